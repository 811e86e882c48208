"""The people of every test: what they may see is what most tests are about.

Lan handles the cases of ward A, Minh leads there, Huệ handles ward B and must see nothing of A's, and
the administrator runs the installation without handling anybody's case.
"""

from __future__ import annotations

from dataclasses import dataclass

from aggregator.domain.people import Actor, Role

WARD_A, WARD_B = "27142", "26740"
WARDS = {WARD_A: "Phường A", WARD_B: "Phường B"}

#: login -> (name, role, ward)
STAFF: dict[str, tuple[str, Role, str | None]] = {
    "lan": ("Trần Thị Lan", Role.OFFICER, WARD_A),
    "minh": ("Lê Văn Minh", Role.LEADER, WARD_A),
    "hue": ("Ngô Thị Huệ", Role.OFFICER, WARD_B),
    "quan.tri": ("Đỗ Quản Trị", Role.ADMIN, None),
}


@dataclass(frozen=True)
class People:
    """The staff, signed in."""

    lan: Actor
    minh: Actor
    hue: Actor
    admin: Actor


def people(ids: dict[str, int]) -> People:
    """The staff as actors, where `ids` says under which row each login is stored."""
    lan, minh, hue, admin = (
        Actor(ids[login], login, name, role, ward) for login, (name, role, ward) in STAFF.items()
    )
    return People(lan, minh, hue, admin)
