"""Mutations that know the form they change: JSON, HTML, XML, tables, packed files, mails, YAML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.fuzz.form_json import JSON, YAML
from tests.fuzz.form_mail import MAIL
from tests.fuzz.form_markup import HTML, XML
from tests.fuzz.form_packed import PACKED, TABLE
from tests.fuzz.mutators import Mutator

FORMS: Mapping[str, Sequence[Mutator]] = {
    "json": JSON, "yaml": YAML, "html": HTML, "xml": XML, "csv": TABLE, "xlsx": PACKED, "mail": MAIL,
}  # fmt: skip
