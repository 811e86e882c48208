"""`motmoi secrets`: the key that everything personal and secret is sealed with at rest."""

from __future__ import annotations

import click

from aggregator.cli.frame import DONE, INTERRUPTED, Group, say, show, table
from aggregator.cli.opening import opened
from aggregator.cli.signals import Stop


@click.group(cls=Group)
def secrets() -> None:
    """Rotate the key that secrets and people's data are sealed with."""


@secrets.command()
def status() -> None:
    """Tell how much is still sealed by an older key."""
    with opened() as product:
        left = product.key_rotation.left()
    show({"left": left}, table(("what", "sealed by an older key"), list(left.items())))


@secrets.command()
def rotate() -> int:
    """Make a new key and seal everything anew; begun again, it goes on where it was broken off.

    The product may run meanwhile. The old key stays in the key file: older backups need it.
    """
    from aggregator.services.key_rotation import SETTLE_S

    with opened() as product, Stop() as stop:
        rotation = product.key_rotation
        new = rotation.begin()
        say("A new key is on top of the key file." if new else "Going on with the rotation begun before.")
        stop.pause(SETTLE_S)  # until every process seals with it
        done = rotation.seal_anew(stop.is_asked, lambda number: say(f"{number} sealed anew"))
        left = sum(rotation.left().values())
    lines = [f"{done} sealed anew, {left} left."]
    if not left:
        lines.append(
            "Copy the key file to a safe place. When no backup needs the old key: motmoi secrets retire"
        )
    show({"new_key": new, "sealed_anew": done, "left": left}, lines)
    return INTERRUPTED if stop.is_asked() else DONE


@secrets.command()
def retire() -> None:
    """Take the old keys out of the key file. Backups from before the rotation cannot be read without them."""
    with opened() as product:
        gone = product.key_rotation.retire()
    show({"retired": gone}, f"{gone} old keys taken out of the key file.")
