"""``quality.yaml`` beside ``connector.yaml``: the grade a connector claims, and what it is exempt from.

    grade: silver
    exemptions:
      - check: poll-edit
        reason:
          vi: Cổng chỉ công bố phản ánh đã xử lý xong; nội dung không sửa nữa.
          en: The portal publishes closed reports only; none is ever edited.

Promise: an exemption without a reason, or of an unknown rule, is an error: people read these on the
channel's page. A reason in one language (``reason: ...``) is enough for a connector of one office. A
connector without the file claims nothing. Cheap to load: screens ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from aggregator.errors import ConfigInvalid
from aggregator.sdk.conformance.catalogue import RULES, Grade, rule
from aggregator.sdk.marked_yaml import MISFITS
from aggregator.sdk.settings_schema import meant

__all__ = ["Exemption", "Quality", "load_quality"]

FILE = "quality.yaml"


@dataclass(frozen=True, slots=True)
class Exemption:
    """A rule that this connector need not keep, and why."""

    check: str
    reason_en: str
    reason_vi: str

    @property
    def reason(self) -> str:
        """Why, on the command line."""
        return self.reason_en

    @property
    def claim(self) -> str:
        """What the rule would have asked for."""
        return rule(self.check).claim


@dataclass(frozen=True, slots=True)
class Quality:
    """What a connector says of itself; the conformance suite verifies it."""

    grade: Grade = Grade.NONE
    exemptions: tuple[Exemption, ...] = ()

    def reason_for(self, check: str) -> str | None:
        """Why the rule need not be kept; None where it must."""
        return next((e.reason for e in self.exemptions if e.check == check), None)


def load_quality(folder: Path) -> Quality:
    """The claim beside the manifest. Raises `ConfigInvalid` naming the file and what is wrong."""
    path = folder / FILE
    if not path.is_file():
        return Quality()
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, *MISFITS) as error:
        raise ConfigInvalid(f"{path}: not valid YAML: {error}") from error
    if not isinstance(data, Mapping) or not set(data) <= {"grade", "exemptions"}:
        raise ConfigInvalid(f"{path}: 'grade' and 'exemptions' expected, nothing else")
    entries = data.get("exemptions") or []
    if not isinstance(entries, list):
        raise ConfigInvalid(f"{path}: exemptions: a list expected")
    return Quality(_grade(path, data.get("grade")), tuple(_exemption(path, entry) for entry in entries))


def _grade(path: Path, word: Any) -> Grade:
    if word is None:
        return Grade.NONE
    # Not `str(word)`: Python writes no number of thousands of digits, and a grade is a word.
    if isinstance(word, str) and word.upper() in Grade.__members__:
        return Grade.of(word)
    shown = repr(word)[:40] if isinstance(word, str) else type(word).__name__
    raise ConfigInvalid(f"{path}: grade: {shown} is not bronze, silver or gold")


def _exemption(path: Path, entry: Any) -> Exemption:
    if not isinstance(entry, Mapping) or not set(entry) <= {"check", "reason"}:
        raise ConfigInvalid(f"{path}: an exemption is a table of 'check' and 'reason'")
    check, given = str(entry.get("check") or ""), entry.get("reason") or ""
    given = given if isinstance(given, Mapping) else {"en": given, "vi": given}
    reasons = {language: " ".join(str(given.get(language) or "").split()) for language in ("en", "vi")}
    known = [one.id for one in RULES]
    if check not in known:
        raise ConfigInvalid(f"{path}: no check {check!r}{meant(check, known)}")
    if not all(reasons.values()):
        raise ConfigInvalid(
            f"{path}: the exemption from {check} gives no reason (a text, or one for vi and en)"
        )
    return Exemption(check, reasons["en"], reasons["vi"])
