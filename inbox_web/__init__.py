"""The screens: server-rendered pages over the services, complete without JavaScript.

    browser | security headers | who asks (access) | blueprint | one service verb | template

Each menu entry is a blueprint: a view reads its form, calls one verb of the services and renders.
What may surprise: every route must say who may use it (`access.open_to`); a route that does not is
answered with an error, and a test generated from the router finds it first.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask
from flask_compress import Compress
from werkzeug.middleware.proxy_fix import ProxyFix

from inbox_web import (
    access,
    accounts,
    answering,
    assets,
    auth,
    bodies,
    calendars,
    case,
    certificates,
    channel_days,
    channel_settings,
    channels,
    cover,
    dashboard,
    deadline_rules,
    difference_words,
    differences,
    duplicates,
    entry,
    errors,
    events,
    health,
    inbox,
    intake,
    language,
    legal,
    manual,
    matching,
    notices,
    outages,
    privacy,
    proof,
    quarantine,
    reminders,
    retention,
    review,
    security,
    statuses,
    streets,
    verify,
    wording,
)

if TYPE_CHECKING:
    from aggregator.bootstrap import Aggregator

__all__ = ["create_app"]

BLUEPRINTS = (
    auth, accounts, inbox, case, answering, duplicates, review, notices, reminders, cover, bodies, legal,
    manual, streets, certificates, verify,
    dashboard, outages, channels, channel_settings, channel_days, quarantine, differences, statuses, matching,
    deadline_rules, calendars, proof, health, intake, entry, privacy, retention,
)  # fmt: skip


def create_app(aggregator: Aggregator) -> Flask:
    """The web as a WSGI application over an already built product."""
    app = Flask(__name__, static_folder=None)
    app.extensions["motmoi"] = aggregator
    app.jinja_options = {**app.jinja_options, "trim_blocks": True, "lstrip_blocks": True}
    app.config["COMPRESS_ALGORITHM"] = ["br", "gzip"]
    security.install(app, aggregator)
    access.install(app)
    language.install(app)
    wording.install(app)
    difference_words.install(app)
    events.install(app)
    assets.install(app)
    errors.install(app)
    for module in BLUEPRINTS:
        app.register_blueprint(module.blueprint)
    Compress(app)
    if hops := aggregator.settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops)  # type: ignore[method-assign]
    return app
