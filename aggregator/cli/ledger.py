"""`motmoi ledger`: whether the record of what was done still is what was written, and proof for others."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from aggregator.cli.acting import acting
from aggregator.cli.frame import DONE, FINDING, Group, plain, say, show, wants_json
from aggregator.cli.opening import opened
from aggregator.verifier import motmoi_check

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group(cls=Group)
def ledger() -> None:
    """The chained record of everything that was done."""


@ledger.command()
def verify() -> int:
    """Read every chain and check each link; exit 1 with the places that do not hold.

    Also read are the signed checkpoints, the keys that signed them and the stored parts of the tree.
    """
    with opened() as product:
        found = product.evidence.verify()
    lines = [f"{found.entries} entries in {found.chains} chains, {found.checkpoints} checkpoints."]
    lines += [plain(f"{finding.code}: {finding.message}") for finding in found.findings]
    lines += [] if found.findings else ["Every link holds."]
    show({"ok": not found.findings, "entries": found.entries, "chains": found.chains,
          "checkpoints": found.checkpoints, "findings": found.findings}, lines)  # fmt: skip
    return FINDING if found.findings else DONE


@ledger.command()
@click.option("--force", is_flag=True, help="Also within ten minutes of the last one.")
@click.option(
    "--after-loss", metavar="WHAT", help="Admit that newer checkpoints were lost; say what happened."
)
@click.option("--as", "login", help="Who admits it: a sign-in name.")
def checkpoint(force: bool, after_loss: str | None, login: str | None) -> None:
    """Sign what the ledger holds now, where something was entered since the last time.

    A database that was restored from an old backup has forgotten checkpoints that others hold: it signs
    nothing until --after-loss says what happened. That is entered in the ledger.
    """
    with opened() as product:
        if after_loss is not None:
            who = acting(product, login)
            lost = product.checkpoints.admit_loss(after_loss, who.id or None)
            say(f"Entered: what checkpoint {lost.number} stood for was lost.")
        made = product.checkpoints.make(force=force or after_loss is not None)
        last = made or product.checkpoints.last()
    text = "Nothing to sign." if last is None else f"{last.text}signature: {last.signature}"
    show({"made": made is not None, "checkpoint": last}, text)


@ledger.command()
@click.option("--rotate", is_flag=True, help="Make another key, signed by the present one.")
@click.option("--as", "login", help="Who does it: a sign-in name.")
def key(rotate: bool, login: str | None) -> None:
    """Print the public key that checkpoints are signed with: publish it, and give it to who checks.

    A rotated key is signed by the one before, so that who trusts the old one follows to the new one.
    """
    with opened() as product:
        who = acting(product, login)
        keys = product.checkpoints.keys
        found = keys.rotate(who.id or None) if rotate else keys.ensure()
    show(found, [found.public, f"id {found.id}, installation {found.installation}"])


@ledger.command()
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)
@click.option("--with-data", is_flag=True, help="Also what the entries say, not only that they are there.")
def export(out: Path, with_data: bool) -> None:
    """Write all entries with their hashes, and all checkpoints, for the stand-alone verifier."""
    draft, count = out.with_name(f"{out.name}.part"), 0
    with opened() as product, draft.open("w", encoding="utf-8", newline="\n") as file:
        for count, line in enumerate(product.ledger_export.lines(with_data=with_data), 1):  # noqa: B007
            file.write(line)
    draft.replace(out)
    show({"file": out, "lines": count}, f"{count} lines in {out}.")


@ledger.command()
@click.argument("file", type=_FILE)
@click.option(
    "--checkpoint", "held", multiple=True, type=_FILE,
    help="Checkpoints that somebody outside holds: a file, or a mail saved as text. May be repeated.",
)  # fmt: skip
@click.option(
    "--key", metavar="HEX-OR-FILE", default="", help="The public key that the office has published."
)
def check(file: Path, held: tuple[Path, ...], key: str) -> int:
    """Check a paper's .json, or an exported ledger, without any database.

    It is the stand-alone verifier that runs: the same file that others take along.
    """
    verifier: Any = motmoi_check
    if not wants_json():
        given = [str(file), *(word for one in held for word in ("--checkpoint", str(one)))]
        return int(verifier.main([*given, *(["--key", key] if key else [])]))
    published = Path(key).read_text("latin-1") if Path(key).is_file() else key
    contents = [one.read_text("utf-8", "replace") for one in held]
    found = verifier.check(file.read_bytes(), contents, re.findall(r"\b[0-9a-f]{64}\b", published))
    findings = [dict(zip(("code", "chain", "seq", "more"), one, strict=True)) for one in found.findings]
    show({"ok": not findings, **found.told, "findings": findings}, "")
    return FINDING if findings else DONE
