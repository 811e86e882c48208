"""What is mutated: answers of the simulated portals, the connectors' samples, and files, mails and manifests
made by hand. All people in it are invented.
"""

from __future__ import annotations

import io
import json
import unicodedata
from functools import cache
from pathlib import Path

import xlsxwriter

from tests.fuzz import odd
from tests.fuzz.journeys import PORTALS, portal
from tests.fuzz.mutators import Sample, in_tcvn3

TESTS = Path(__file__).parents[1]
ROOT = TESTS.parent
SAMPLES = Path(__file__).parent / "samples"
_FORMS = {".json": "json", ".html": "html", ".yaml": "yaml", ".xml": "xml", ".csv": "csv"}


@cache
def answers(form: str = "") -> list[Sample]:
    """What the simulated portals and the recordings answer, each body once."""
    found = {
        one.sample.content: one.sample
        for id_ in PORTALS
        for way in portal(id_).journeys
        for one in way.answers
    }
    for file in sorted(TESTS.glob("connectors/*/samples/*")) + sorted(
        TESTS.glob("connectors/*/recorded/bodies/*")
    ):
        content = file.read_bytes()
        found.setdefault(content, Sample(_FORMS.get(file.suffix, "text"), content, f"text/{file.suffix[1:]}"))
    for content in (
        b"<!doctype html><title>\xc4\x90\xc4\x83ng nh\xe1\xba\xadp</title><input type=password name=p>",
    ):
        found.setdefault(content, Sample("html", content, "text/html"))
    return [one for one in found.values() if not form or one.form == form]


# -- Open311 as XML ------------------------------------------------------------------------------


@cache
def open311_xml() -> list[Sample]:
    """Lists, services, errors and a discovery as servers send them in XML."""
    files = sorted(SAMPLES.glob("open311-*.xml"))
    return [Sample("xml", file.read_bytes(), "text/xml; charset=utf-8") for file in files]


# -- tables --------------------------------------------------------------------------------------

HEADINGS = ("Mã phản ánh", "Ngày nhận", "Nội dung", "Địa chỉ", "SĐT", "Trạng thái", "Vĩ độ")
_ROWS = [
    (f"PA-{n}", f"{n + 10}/10/2026 08:30", f"{odd.SENTENCE} Lần {n}", f"{n} Lê Lợi", "0901234567", "Mới",
    "10.77") for n in range(1, 7)
]  # fmt: skip


@cache
def tables() -> list[Sample]:
    """CSV in the charsets and dialects that offices export, and Excel files."""
    text = "\n".join(",".join(f'"{cell}"' for cell in row) for row in (HEADINGS, *_ROWS)) + "\n"
    semicolons = text.replace('","', '";"').replace("\n", "\r\n")
    spelled = unicodedata.normalize("NFD", text)
    plain = (text.encode(), semicolons.encode("utf-8-sig"), spelled.encode(), text.encode("utf-16"),
        in_tcvn3(text),
             spelled.encode("cp1258", "replace"), text.replace(",", "\t").encode())  # fmt: skip
    return [*(Sample("csv", content, "text/csv") for content in plain), *map(_xlsx, (False, True))]


def _xlsx(typed: bool) -> Sample:
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True, "default_date_format": "dd/mm/yyyy"}) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate((HEADINGS, *_ROWS)):
            sheet.write_row(number, 0, row)
            if typed and number:
                sheet.write_number(number, 1, 46_300.35 + number)
                sheet.write_boolean(number, 5, True)
                sheet.write_formula(number, 6, "=1/0", value="#DIV/0!")
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return Sample("xlsx", made.getvalue(), kind)


# -- mails ---------------------------------------------------------------------------------------


@cache
def mails() -> list[Sample]:
    """A plain one, an HTML one, one with files, an answer with a quote, a bounce, one in windows-1258."""
    found = [file.read_bytes().replace(b"\n", b"\r\n") for file in sorted(SAMPLES.glob("mail-*.eml"))]
    old = unicodedata.normalize("NFD", odd.SENTENCE).encode("cp1258", "replace")
    found.append(
        found[0].partition(b"Content-Type")[0]
        + b"Content-Type: text/plain; charset=windows-1258\r\n\r\n"
        + old
    )
    return [Sample("mail", content, "message/rfc822") for content in found]


# -- what authors write --------------------------------------------------------------------------


@cache
def manifests() -> list[Sample]:
    """Every manifest of the product."""
    return [
        Sample("yaml", file.read_bytes(), "text/yaml")
        for file in sorted(ROOT.glob("connectors/*/connector.yaml"))
    ]


@cache
def recordings() -> list[Path]:
    """Folders with a recording."""
    return sorted(file.parent for file in TESTS.glob("connectors/*/recorded/exchanges.yaml"))


@cache
def schemas() -> list[Sample]:
    """The settings of every connector, as JSON."""
    from aggregator.sdk.discovery import discover

    found = [one.manifest.config_schema for one in discover().values() if one.manifest is not None]
    return [Sample("json", json.dumps(one, ensure_ascii=False).encode(), "application/json") for one in found]
