"""Vietnamese first, English by choice.

The choice lives with the account; before signing in, in the form cookie. What may surprise: the
browser's own language is not asked. Office PCs often run an English Windows, their users read
Vietnamese.
"""

from __future__ import annotations

from typing import Any

import flask_babel
from flask import Flask, g, session

LANGUAGES = ("vi", "en")


def _(msgid: str, **values: object) -> str:
    """The text in the person's language, with its values filled in."""
    return str(flask_babel.gettext(msgid, **values))


def _l(msgid: str) -> Any:
    """The same for tables made at import: it becomes text when it is shown."""
    return flask_babel.lazy_gettext(msgid)


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The text for one or for many; `num` is filled in, too."""
    return str(flask_babel.ngettext(one, many, num, **values))


def chosen() -> str:
    person = g.get("actor")
    wanted = person.language if person else session.get("language", "vi")
    return wanted if wanted in LANGUAGES else "vi"


def current() -> str:
    """'vi' or 'en', for values that carry both."""
    return str(flask_babel.get_locale() or "vi")


def install(app: Flask) -> None:
    app.config["BABEL_DEFAULT_LOCALE"] = "vi"
    app.config["BABEL_DEFAULT_TIMEZONE"] = "Asia/Ho_Chi_Minh"
    flask_babel.Babel(app, locale_selector=chosen)
    app.context_processor(lambda: {"lang": current()})
