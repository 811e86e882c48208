"""The wards of today and of before July 2025, province by province, read from `data/places.zip`.

Nothing is read before it is asked for, and only the province in use is kept: Ho Chi Minh City costs
some milliseconds once. What may surprise: names are compared as keys, folded and without spaces
("hiepbinhchanh", "13"), so accents, hyphens and doubled blanks never decide; and a code alone means
nothing, because 77 of Ho Chi Minh City's old codes live on under another ward's name.
"""

from __future__ import annotations

import math
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

from aggregator.domain.text import fold, words

_FILE = Path(__file__).parent / "data" / "places.zip"

#: Kinds of places as they begin a name, folded and without spaces; longer ones first.
_KINDS = ("thanhpho", "thitran", "thixa", "phuong", "dackhu", "huyen", "quan", "tinh", "xa")


@dataclass(frozen=True, slots=True)
class NewWard:
    """A ward, commune or special zone of today. `radius_km` is that of a circle of its area, 0 = unknown."""

    code: str
    name: str
    kind: str
    lat: float
    lng: float
    radius_km: float


@dataclass(frozen=True, slots=True)
class District:
    """A district of before July 2025."""

    id: int
    province: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class OldWard:
    """A ward of before July 2025 and the codes of today's wards that it went to: one, or several if split."""

    code: str
    name: str
    kind: str
    district: District
    targets: tuple[str, ...]

    @property
    def title(self) -> str:
        return f"{self.name}, {self.district.name}" if self.name else self.district.name


@dataclass(frozen=True, slots=True)
class Named:
    """An old ward under one of its names; `merged` = that of a ward merged into it before 2025."""

    ward: OldWard
    kind: str
    merged: bool


class Names:
    """Name keys, and whether any of them begins so: reading stops at the first word that leads nowhere."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = frozenset(keys)
        self.beginnings = frozenset(one[:end] for one in self.keys for end in range(1, len(one) + 1))


@dataclass(frozen=True)
class Table:
    """One province of today. All mappings but `wards` are keyed by name keys."""

    wards: dict[str, NewWard]
    new: dict[str, list[NewWard]]
    old: dict[str, list[Named]]
    districts: dict[str, list[tuple[str, District]]]
    #: Code of a ward of today -> the districts that it has land of.
    came_from: dict[str, set[int]]
    #: Provinces, and those with the old districts, of other provinces only: who names one is not here.
    other_provinces: Names
    elsewhere: Names

    @cached_property
    def ward_names(self) -> Names:
        return Names({*self.new, *self.old})

    @cached_property
    def district_names(self) -> Names:
        return Names(self.districts)


def key(name: str) -> tuple[str, str]:
    """Kind and key of a name: "Phường 01" is ("phuong", "1"), "Xã Bà Điểm" ("xa", "badiem")."""
    joined = "".join(words(fold(name)))
    kind = next((kind for kind in _KINDS if joined.startswith(kind) and joined != kind), "")
    rest = joined[len(kind) :]
    return kind, str(int(rest)) if rest.isdecimal() else rest


def province_of(ward_code: str) -> str | None:
    """The code of today's province that a ward of today lies in; None for a code that is none."""
    return _provinces().get(ward_code)


@lru_cache(maxsize=1)
def _provinces() -> dict[str, str]:
    rows = (line.split("\t") for line in _member("index.tsv"))
    return {code: province for province, codes, *_ in rows for code in codes.split("|")}


def _elsewhere(province: str) -> tuple[Names, Names]:
    """Keys of the provinces, old ones too, that another province alone has, and these with old districts."""
    here: tuple[set[str], set[str]] = (set(), set())
    others: tuple[set[str], set[str]] = (set(), set())
    for line in _member("index.tsv"):
        code, _, *lists = line.split("\t")
        for keys, listed in zip(here if code == province else others, lists, strict=True):
            keys.update(key(name)[1] for name in listed.split("|"))
    provinces, districts = others[0] - here[0], others[1] - here[1]
    return Names(provinces), Names(provinces | districts)


@lru_cache(maxsize=2)
def table(province: str) -> Table | None:
    """The table of a province of today by its code ("79" is Ho Chi Minh City); None where there is none."""
    if province not in _provinces().values():
        return None
    made = Table(
        {}, defaultdict(list), defaultdict(list), defaultdict(list), defaultdict(set), *_elsewhere(province)
    )
    found: dict[str, District] = {}
    for line in _member(f"{province}.tsv"):
        row, *fields = line.split("\t")
        if row == "N":
            _add_new(made, *fields)
        elif row == "D":
            number, old_province, name, others = fields
            found[number] = District(int(number), old_province, name, key(name)[0])
            _add_district(made, found[number], others)
        else:
            _add_old(made, found[fields[0]], *fields[1:])
    _add_short_districts(made)
    return made


def _member(name: str) -> Iterable[str]:
    with zipfile.ZipFile(_FILE) as archive:
        return archive.read(name).decode().splitlines()


def _add_new(made: Table, code: str, name: str, lat: str, lng: str, area: str) -> None:
    kind, name_key = key(name)
    ward = NewWard(code, name, kind, float(lat), float(lng), math.sqrt(float(area) / math.pi))
    made.wards[code] = ward
    made.new[name_key].append(ward)


def _add_district(made: Table, district: District, others: str) -> None:
    for name in [district.name, *others.split("|")]:
        kind, name_key = key(name)
        if name_key:
            made.districts[name_key].append((kind, district))


def _add_old(made: Table, district: District, name: str, code: str, others: str, codes: str) -> None:
    targets = tuple(one.rstrip("*") for one in codes.split("|"))
    ward = OldWard(code, name, key(name)[0], district, targets)
    for each in [name, *others.split("|")]:
        kind, name_key = key(each)
        if name_key:
            made.old[name_key].append(Named(ward, kind, each != name))
    for target in targets:
        made.came_from[target].add(district.id)


def _add_short_districts(made: Table) -> None:
    """ "bthanh", "gvap": initials before the last syllable, where only one district is written so."""
    short: dict[str, list[tuple[str, District]]] = defaultdict(list)
    for pairs in list(made.districts.values()):
        for kind, district in pairs:
            syllables = words(fold(district.name.removeprefix("Thành phố ").removeprefix("Thị xã ")))
            named = syllables[1:] if district.kind in ("quan", "huyen") else syllables
            if (
                len(named) > 1
                and (kind, district) not in short["".join(w[0] for w in named[:-1]) + named[-1]]
            ):
                short["".join(w[0] for w in named[:-1]) + named[-1]].append((kind, district))
    for name_key, pairs in short.items():
        if len({district.id for _, district in pairs}) == 1 and name_key not in made.districts:
            made.districts[name_key] += pairs
