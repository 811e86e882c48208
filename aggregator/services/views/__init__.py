"""What screens, commands and the API show: plain values, already scoped to the person who asks.

Times are aware UTC instants; names are resolved; nothing here needs the database again. What may
surprise: identity is not in these values. It is asked for by itself (`Cases.reveal`), by right, and
the look is logged (I12).

One module a screen.
"""
