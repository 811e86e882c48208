"""`motmoi remind` and `motmoi mail`: who would be told of deadlines now, and mails to staff on their way."""

from __future__ import annotations

import click

from aggregator.cli.frame import DONE, FINDING, Group, show, table
from aggregator.cli.opening import officer, opened
from aggregator.domain.reminding import MAIL_STATES
from aggregator.services.postman import MailDelayed, MailRefused, MailUnclear

#: What nobody has to look at any more.
_OVER = ("sent", "dropped")


@click.group(cls=Group)
def remind() -> None:
    """Reminders of deadlines."""


@remind.command()
@click.option("--as", "login", metavar="LOGIN", help="Only what this officer would be told.")
def preview(login: str | None) -> None:
    """Show what a worker would tell now, and how; nothing is told."""
    with opened() as product:
        actor = officer(product, login) if login else None
        found = product.reminders.preview(actor)
    rows = [
        (one.person, one.kind, one.level or None, one.code, one.due_at, " ".join(one.by)) for one in found
    ]
    headings = ("who", "what", "level", "case", "due", "by")
    show(found, table(headings, rows) if found else "Nobody is to be told of anything now.")


@click.group(cls=Group)
def mail() -> None:
    """Mails to staff: reminders and digests."""


@mail.command()
@click.argument("address")
def test(address: str) -> int:
    """Send a test mail to ADDRESS at once; exit 1 where the mail server does not take it."""
    with opened() as product:
        try:
            product.mailing.test(address)
        except (MailDelayed, MailRefused, MailUnclear) as error:
            show({"sent": False, "error": {"code": error.code, "message": str(error)}}, str(error))
            return FINDING
    show({"sent": True, "to": address}, f"The mail server took a test mail to {address}.")
    return DONE


@mail.command("list")
@click.option(
    "--state", type=click.Choice(MAIL_STATES), help="Only these; without it, all that are not over."
)
def list_(state: str | None) -> None:
    """List mails to staff, newest first. Their texts are not shown."""
    states = (state,) if state else tuple(one for one in MAIL_STATES if one not in _OVER)
    with opened() as product:
        found = product.mailing.list(states)
    headings = ("id", "to", "kind", "subject", "state", "attempts", "next try", "possible repeat", "error")
    rows = [
        (m.id, m.login, m.kind, m.subject, m.state, m.attempts, m.next_attempt_at, m.possible_repeat, m.error)
        for m in found
    ]
    show(found, table(headings, rows) if found else "No mail is on its way.")


@mail.command()
@click.argument("mail_id", metavar="ID", type=int)
def retry(mail_id: int) -> None:
    """Make the mail ID due now; a worker sends it, under the same Message-ID."""
    with opened() as product:
        view = product.mailing.retry(mail_id)
    show(view, f"Mail {view.id} to {view.login} is {view.state} and due now.")
