"""The rules: one sentence each, and the grade that asks for it. Pure data; the checks are in `checks_*`.

Bronze   reads: contract, poll, the common failures, its page of documentation
Silver   lasts: every failure, changed pages, sign-in anew, edits, a name to turn to
Gold     answers: exactly once, reads the past and single reports, helps whoever must find a fault

What may surprise: a rule that does not apply (no attachments, no sign-in) counts for no grade. What a
portal cannot do, but the grade asks for, needs a written exemption, which officers see on the channel.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["RULES", "Grade", "Rule", "rule"]


class Grade(enum.IntEnum):
    """What a connector has reached. `NONE`: not yet Bronze."""

    NONE = 0
    BRONZE = 1
    SILVER = 2
    GOLD = 3

    @property
    def word(self) -> str:
        """As it stands in quality.yaml."""
        return self.name.lower()

    @classmethod
    def of(cls, word: str) -> Grade:
        """From its word; raises `KeyError`."""
        return cls[word.upper()]


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that a grade asks for."""

    id: str
    grade: Grade
    claim: str


_BRONZE = {
    "contract-manifest": "the manifest is valid, with title and description in Vietnamese and English",
    "contract-settings": "every setting has a type and a title to draw a form from",
    "contract-secrets": "passwords, tokens and keys among the settings are marked secret",
    "contract-unknown-setting": "a setting it does not know is refused by name",
    "contract-quiet-import": "importing it opens no connection and loads nothing of the product but the SDK",
    "contract-capabilities": "it has the methods that its capabilities promise",
    "check-passes": "check() passes on a healthy portal and writes nothing there",
    "check-host-down": "check() of a portal that is away fails at a named step and says what to do",
    "poll-every-report": "a first poll brings every report once and ends with one complete batch",
    "poll-model": "every record keeps the contract: id, aware times, its own raw bytes",
    "poll-stable": "an untouched report has the same id and content at every reading",
    "poll-nothing-new": "a second poll of an untouched portal brings nothing new",
    "poll-old-cursor": "an old cursor brings known reports again, unchanged",
    "poll-crash": "a crash at any batch boundary loses no report and doubles none",
    "poll-same-instant": "reports of one instant, listed out of order, all arrive",
    "poll-empty": "an empty portal is a complete batch without records, and its first report arrives",
    "poll-cursor": "the cursor is JSON and carries its version",
    "poll-deadline": "a poll whose time is over stops",
    "call-signature": "a call that the source did not sign is refused and brings nothing",
    "call-quiet": "a call is answered without asking the network: sources wait for two seconds",
    "error-500": "a 500 at any request is Transient, or costs nothing",
    "error-outage": "a connection that closes without an answer is Transient",
    "error-timeout": "a portal that stops talking is Transient",
    "error-429": "429 with Retry-After is RateLimited for just that long",
    "error-truncated": "an answer that breaks off is an error, never a short list",
    "hygiene-secrets": "no password and no citizen's data in logs, errors or evidence",
    "hygiene-hosts": "it speaks to the hosts of its settings alone",
    "hygiene-no-sleep": "it never sleeps",
    "docs-page": "its page says what it reads, how to get in, its settings, quirks, what was never checked",
}
_SILVER = {
    "maintainer": "the manifest names a maintainer",
    "check-wrong-password": "check() with a wrong password fails at a named step and says what to do",
    "check-wrong-path": "check() of a wrong address fails at a named step and says what to do",
    "check-refused": "check() tells every right that is missing (403 at any of its requests)",
    "poll-edit": "an edited report comes again with its new content",
    "poll-edit-meanwhile": "what is edited or sent in while a poll runs arrives with the next",
    "poll-repeated-page": "a portal that gives the same page for ever neither holds the poll nor empties it",
    "poll-small-batches": "batches stay small when there are ten times the reports",
    "error-429-silent": "429 without Retry-After is RateLimited too",
    "error-login-page": "a login page in place of data (status 200) is AuthFailed",
    "error-session-ends": "a session that ends at any request is renewed, and nothing is lost",
    "error-captcha": "a challenge page is BotChallenge",
    "error-changed-page": "a page of another make is SchemaDrift, never nothing new",
    "error-maintenance": "a maintenance notice with status 200 is an error",
    "error-charset": "windows-1258 or TCVN3 under a wrong label is read rightly or refused, never garbled",
    "error-nfd": "decomposed Vietnamese letters make the same reports",
    "error-gzip": "a body that is not packed as its header says is an error",
    "error-huge": "a page beyond the size limit is an error that names the limit",
    "error-bad-record": "one unreadable record is quarantined and the others arrive",
    "drift-never-silent": "no change of the portal's form brings fewer reports without a word",
    "call-unreadable": "a call that is no report is refused in words, and becomes none",
    "attachment-bytes": "an attachment comes byte for byte",
    "attachment-too-large": "an attachment beyond the size limit is refused",
    "hygiene-closes": "no connection and no thread is left behind",
}
_GOLD = {
    "push-writes-back": "it carries answers back to the portal",
    "push-once": "the same answer pushed twice stands at the portal once",
    "push-already-there": "an answer that already stands there is a success",
    "push-unknown-outcome": "a push whose answer is lost is UnknownOutcome, and lookup() finds it",
    "push-not-sent": "a push that never arrived can be repeated, and stands there once",
    "push-in-order": "two answers to one report stand there in their order",
    "push-each-kind": "every kind of answer it names is taken, and stands there",
    "push-files": "files that go with an answer stand there whole, and a repeat adds none",
    "push-unsupported-status": "a status the portal has no word for is Permanent",
    "push-no-such-report": "an answer to a report that is not there is Permanent",
    "backfill": "the past can be read again, whole and resumable",
    "canary": "a single report can be read by its id",
    "replay": "a kept raw item becomes the same record again, without network",
    "diagnostics": "its errors carry evidence, and no citizen's data",
    "simulator": "it comes with a simulated portal",
}

RULES: tuple[Rule, ...] = tuple(
    Rule(name, grade, claim)
    for grade, group in ((Grade.BRONZE, _BRONZE), (Grade.SILVER, _SILVER), (Grade.GOLD, _GOLD))
    for name, claim in group.items()
)
_BY_ID = {one.id: one for one in RULES}


#: What only a portal that we ask can show: a source that calls us has no pages, no cursor and no sign-in.
ASKED = frozenset(
    (
        *(name for name in _BY_ID if name.startswith("error-")),
        *("poll-cursor", "poll-deadline", "poll-empty", "poll-old-cursor", "poll-repeated-page"),
        *("poll-small-batches", "drift-never-silent", "check-wrong-password", "check-wrong-path"),
        *("check-refused", "backfill", "canary", "diagnostics"),
    )
)


def rule(id_: str) -> Rule:
    """The rule of this id; raises `KeyError`."""
    return _BY_ID[id_]
