"""What can go wrong, named by what happened.

One root, `AggregatorError`. An error carries the thing it is about and composes its own message as
``what happened: which thing: why: what to do``; the message is for a person, in English on the
command line, and `message_vi` (where given) is what the screen shows.

The channel errors are the contract's taxonomy: the *class* of the error is the recovery action
(see `aggregator.sdk.contract`, which re-exports them for connector authors).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal


class AggregatorError(Exception):
    """Root of all errors this product raises on purpose."""

    #: Machine word, stable: it is stored on rows and printed by ``--json``.
    code = "error"

    def __init__(self, message: str, *, hint: str = "", message_vi: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.message_vi = message_vi or message

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class SettingsInvalid(AggregatorError):
    """A setting is unknown, missing or of the wrong form; nothing was started."""

    code = "settings_invalid"


class NotFound(AggregatorError):
    """No such thing, or not this person's to see: the two are never told apart (I13)."""

    code = "not_found"


class NotAllowed(AggregatorError):
    """The person may see the thing but not do this with it."""

    code = "not_allowed"


class MoveNotAllowed(AggregatorError):
    """The workflow has no such move from the case's present status."""

    code = "move_not_allowed"


class StaleWrite(AggregatorError):
    """Somebody else changed the case since this person's page was drawn."""

    code = "stale_write"


class InputInvalid(AggregatorError):
    """What a person or a file gave cannot be used; `field` names the part."""

    code = "input_invalid"

    def __init__(self, message: str, *, field: str = "", hint: str = "", message_vi: str = "") -> None:
        super().__init__(message, hint=hint, message_vi=message_vi)
        self.field = field


class LeaseLost(AggregatorError):
    """Another worker has taken over this channel or message; everything of this attempt is rolled back."""

    code = "lease_lost"


class ChannelError(AggregatorError):
    """Something between us and a portal. The subclass says what to do next."""

    code = "channel_error"

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        message_vi: str = "",
        evidence: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint, message_vi=message_vi)
        #: What was seen: status, url without query, body hash, marker found. Never personal data.
        self.evidence: dict[str, Any] = dict(evidence or {})


class Transient(ChannelError):
    """Timeout, 5xx, reset, DNS: try again later with back-off."""

    code = "transient"


class RateLimited(ChannelError):
    """The portal asked us to wait. Does not count against the channel's health."""

    code = "rate_limited"

    def __init__(self, message: str, *, retry_after: float | None = None, **kw: Any) -> None:
        super().__init__(message, **kw)
        #: Seconds to wait as the portal told, or None where it did not say.
        self.retry_after = retry_after


class AuthFailed(ChannelError):
    """401, 403, or a login page where data was expected: stop until a person reconnects."""

    code = "auth_failed"


class ConfigInvalid(ChannelError):
    """Wrong address, missing folder, unknown setting: stop until a person corrects it."""

    code = "config_invalid"


class SchemaDrift(ChannelError):
    """The portal's page no longer looks as the connector expects: never success, cursor stays."""

    code = "schema_drift"

    def __init__(self, message: str, *, scope: Literal["page", "record"] = "page", **kw: Any) -> None:
        super().__init__(message, **kw)
        self.scope = scope


class BotChallenge(SchemaDrift):
    """A CAPTCHA or challenge page, which would otherwise look like a page with nothing new."""

    code = "bot_challenge"


class Permanent(ChannelError):
    """The portal refuses this one item for good; retrying cannot help, a person must look."""

    code = "permanent"


class ByHand(Permanent):
    """The source cannot be given this answer by a program, and that is nobody's fault: a person brings it.

    `message_vi` says why, for the officer who does.
    """

    code = "by_hand"


class NoWord(ByHand):
    """The channel does not say by which of the source's words this answer goes: never guessed.

    An administrator names the word in the channel's settings and sends it again, or a person brings it.
    """

    code = "no_word"


class UnknownOutcome(ChannelError):
    """The request left us and no answer came back: it may have taken effect (push only)."""

    code = "unknown_outcome"


class BadRecord(ChannelError):
    """One record cannot be mapped: quarantined with its raw bytes, the batch goes on (I3).

    `field` names the offending field, `row` the line or position in the file or page.
    """

    code = "bad_record"

    def __init__(
        self,
        message: str,
        *,
        field: str = "",
        row: int | None = None,
        external_id: str | None = None,
        **kw: Any,
    ) -> None:
        super().__init__(message, **kw)
        self.field = field
        self.row = row
        self.external_id = external_id
