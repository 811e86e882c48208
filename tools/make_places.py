"""Builds aggregator/domain/data/places.zip from the data files of the package vietnamadminunits (MIT).

    pip download --no-deps vietnamadminunits==1.0.4
    python tools/make_places.py vietnamadminunits-1.0.4-py3-none-any.whl

Only its data is read, never its code, and nothing of it is needed to run. The same wheel always gives
the same bytes. One member a new province (`79.tsv`), so that an installation unpacks its own only:

    N  code  name  latitude  longitude  area in km²                                     a ward of today
    D  number  old province  old district  other names, "|" between                    an old district
    O  number of its district  old name  old code  other names  codes it went to       an old ward

Several codes: the ward was split; the one with "*" is the package's default (never ours). Other names
are those of wards and districts merged into it before 2025, folded and without spaces. `index.tsv` says
of each province which wards, old provinces and old districts it has.
"""

from __future__ import annotations

import json
import re
import sqlite3
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

OUT = Path(__file__).parents[1] / "aggregator" / "domain" / "data" / "places.zip"
ALWAYS = (2025, 7, 1, 0, 0, 0)
KINDS = ("phuong", "xa", "thitran", "quan", "huyen", "thixa", "thanhpho")


def main(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as source, tempfile.TemporaryDirectory() as folder:
        data = "vietnamadminunits/data/"
        converter = json.loads(source.read(f"{data}converter_2025.json"))
        with sqlite3.connect(source.extract(f"{data}dataset.db", folder)) as db:
            db.row_factory = sqlite3.Row
            today = db.execute("SELECT * FROM admin_units ORDER BY provinceCode, wardCode").fetchall()
            old = db.execute(
                "SELECT * FROM admin_units_legacy ORDER BY provinceCode, districtCode, wardCode"
            ).fetchall()
    members = tables(today, old, targets(converter, today))
    with zipfile.ZipFile(OUT, "w") as archive:
        for name, lines in sorted(members.items()):
            info = zipfile.ZipInfo(name, ALWAYS)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, "\n".join(lines) + "\n", compresslevel=9)
    sys.stdout.write(
        f"{OUT.name}: {len(today)} wards of today, {len(old)} old ones, {OUT.stat().st_size:,} bytes\n"
    )


def targets(converter: dict[str, Any], today: list[sqlite3.Row]) -> dict[str, list[tuple[str, bool]]]:
    """Key of an old ward -> the wards it went to, each with whether it is the package's default."""
    code = {(row["provinceKey"], row["wardKey"]): row["wardCode"] for row in today}
    found: dict[str, list[tuple[str, bool]]] = defaultdict(list)
    for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
        for ward, olds in wards.items():
            for key in olds:
                found[key].append((code[province, ward], True))
    for province, olds in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
        for key, wards in olds.items():
            found[key] += [(code[province, one["newWardKey"]], one["isDefaultNewWard"]) for one in wards]
    return found


def tables(
    today: list[sqlite3.Row], old: list[sqlite3.Row], went: dict[str, list[tuple[str, bool]]]
) -> dict[str, list[str]]:
    lines: dict[str, list[str]] = defaultdict(list)
    home = {row["wardCode"]: row["provinceCode"] for row in today}
    for row in today:
        shape = "\t".join(str(row[name] or 0) for name in ("wardLat", "wardLon", "wardAreaKm2"))
        lines[f"{row['provinceCode']}.tsv"].append(f"N\t{row['wardCode']}\t{row['ward']}\t{shape}")
    known: dict[tuple[str, str], int] = {}
    for row in old:
        goes = sorted(went["_".join((row["provinceKey"], row["districtKey"], row["wardKey"] or ""))])
        for province in sorted({home[code] for code, _ in goes}):
            member = lines[f"{province}.tsv"]
            district = (province, row["districtCode"])
            if district not in known:
                known[district] = len(known)
                member.append(
                    f"D\t{known[district]}\t{row['province']}\t{row['district']}\t{others(row['districtAlias'])}"
                )
            codes = "|".join(f"{code}{'*' if first and len(goes) > 1 else ''}" for code, first in goes)
            member.append(
                f"O\t{known[district]}\t{row['ward'] or ''}\t{row['wardCode'] or ''}"
                f"\t{others(row['wardAlias'])}\t{codes}"
            )
    lines["index.tsv"] = index(
        today, old, {key: {home[one] for one, _ in goes} for key, goes in went.items()}
    )
    return lines


def index(today: list[sqlite3.Row], old: list[sqlite3.Row], homes: dict[str, set[str]]) -> list[str]:
    """One line a province: code, codes of its wards, old provinces and old districts that it has land of."""
    wards: dict[str, list[str]] = defaultdict(list)
    provinces: dict[str, set[str]] = defaultdict(set)
    districts: dict[str, set[str]] = defaultdict(set)
    for row in today:
        wards[row["provinceCode"]].append(row["wardCode"])
        provinces[row["provinceCode"]].add(row["province"])
    for row in old:
        for province in homes["_".join((row["provinceKey"], row["districtKey"], row["wardKey"] or ""))]:
            provinces[province].add(row["province"])
            districts[province].add(row["district"])
    return [
        "\t".join((code, *("|".join(sorted(each[code])) for each in (wards, provinces, districts))))
        for code in sorted(wards)
    ]


def others(listed: str | None) -> str:
    """The whole names out of the package's list, which also has "p13", "ward13" and the like."""
    names = {re.sub(r"(?<=\D)0+(?=\d)", "", name) for name in json.loads(listed or "[]")}
    return "|".join(sorted(name for name in names if name.startswith(KINDS)))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
