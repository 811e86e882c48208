"""Một Mối without a screen: every feedback channel of a ward in one inbox.

A record travels one line, and each step is one module:

    portal -> connector.client -> connector.mapping -> intake.receive -> matching.judge
           -> cases.open | cases.join -> sla.deadlines -> inbox -> officer -> cases.reply
           -> outbox -> connector.push -> portal -> next poll confirms

Nothing in this package knows Flask, and nothing in it names a portal.
"""

__version__ = "0.1.0"
