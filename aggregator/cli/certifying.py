"""`motmoi ledger certificate`: the paper about one case, and the file that proves it."""

from __future__ import annotations

from pathlib import Path

import click

from aggregator.cli.cases import find
from aggregator.cli.frame import Command, show
from aggregator.cli.opening import OPERATOR, opened
from aggregator.errors import InputInvalid

PAPER, PROOF = ".pdf", ".json"


@click.command(cls=Command)
@click.argument("case_id", metavar="CASE")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True,
              help=".pdf writes the paper and the proof beside it, .json the proof alone.")  # fmt: skip
def certificate(case_id: str, out: Path) -> None:
    """Certify the case CASE (its number or its code) as it is now.

    Where nothing has changed since the last certificate, that one is written again, byte for byte.
    """
    kind = out.suffix.lower()
    if kind not in (PAPER, PROOF):
        raise InputInvalid(f"{out} is neither .pdf nor .json", field="out", hint="--out giay-xac-nhan.pdf")
    with opened() as product:
        view = product.certificates.issue_here(OPERATOR, find(product, OPERATOR, case_id))
        files = {out.with_suffix(PROOF): product.certificates.bundle(OPERATOR, view.id)[1]}
        if kind == PAPER:
            from aggregator.services import certificate_paper

            printed = product.certificates.printed(OPERATOR, view.id)
            files[out] = certificate_paper.draw(printed, product.settings.certificate)
    for path, content in files.items():
        _write(path, content)
    lines = [view.verdict["sentence"], *(f"Wrote {path}" for path in files)]
    show({"serial": view.serial, "case": view.case_code, "verdict": view.verdict["code"],
          "sentence": view.verdict["sentence"], "files": list(files)}, lines)  # fmt: skip


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise InputInvalid(
            f"{path} cannot be written: {error.strerror}", field="out",
            hint="The certificate is issued; name another file to get it again",
        ) from error  # fmt: skip
