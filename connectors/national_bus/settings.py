"""A channel's settings for the bus, with the defaults of the question and answer services.

The defaults stand in ``connector.yaml`` as well, for the form; a test keeps the two equal. Service
names of PAKN were never seen in public, so whoever connects one fills in the names of its papers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aggregator.sdk.contract import ConfigInvalid

SERVICES = {
    "list": "LayDanhSachHoiDapGuiTuDVCQG",
    "read_back": "LayNoiDungTraLoiTheoCauHoi",
    "answer": "DongBoKetQuaHoiDapGuiTuDVCQG",
    "categories": "LayDanhMucLinhVuc",
}
PATHS = {"list": "share", "read_back": "share", "answer": "integration", "categories": "share"}
FIELDS = {
    "id": "HOIDAPID",
    "body": "NOIDUNG",
    "subject": "",
    "name": "HOVATEN",
    "email": "THUDIENTU",
    "phone": "SODIENTHOAI",
    "address": "DIACHI",
    "category": "MALINHVUC",
    "unit_code": "MADONVI",
    "unit_name": "TENDONVI",
    "procedure": "MATTHCDP",
    "status": "TRANGTHAI",
    "created": "",
    "answer_id": "TRALOIID",
    "answer": "NOIDUNGTRALOI",
    "answered_at": "NGAYTRALOI",
    "answered_by": "NGUOITRALOI",
}
CATEGORY_FIELDS = {"code": "MALINHVUC", "name": "TENLINHVUC"}
DATE_FORMATS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y", "%Y%m%d%H%M%S")
ANSWER_FIELDS = {
    "id": "HOIDAPID",
    "unit_code": "MADONVI",
    "author": "NGUOITRALOI",
    "title": "CHUCVUNGUOITRALOI",
    "at": "NGAYTRALOI",
    "body": "NOIDUNGTRALOI",
}


@dataclass(frozen=True, slots=True)
class BusSettings:
    """The settings, complete and checked."""

    adapter_url: str
    auth_endpoint: str
    integration_endpoint: str
    share_endpoint: str
    username: str
    dstcode: str
    dstcode_in: str
    madonvi: str
    services: Mapping[str, str]
    paths: Mapping[str, str]
    fields: Mapping[str, str]
    answer_fields: Mapping[str, str]
    category_fields: Mapping[str, str]
    read_back_key: str
    date_formats: tuple[str, ...]
    answer_date_format: str
    answerer_name: str
    answerer_title: str
    expired_codes: frozenset[str]
    busy_codes: frozenset[str]
    kind: str
    max_tracked: int

    def address(self, use: str) -> str:
        """Where the calls of one use (``list``, ``answer`` …) go."""
        shared = self.paths[use] == "share" and self.share_endpoint
        return self.adapter_url + (self.share_endpoint if shared else self.integration_endpoint)


def read(config: Mapping[str, Any]) -> BusSettings:
    """The settings with the defaults filled in. Raises `ConfigInvalid` naming what is missing."""

    def text(key: str, default: str | None = None) -> str:
        value = str(config.get(key) or (default or "")).strip()
        if not value and default is None:
            raise ConfigInvalid(
                f"setting {key!r} of the national bus is empty",
                message_vi=f"Chưa khai báo thiết lập “{key}” của trục quốc gia",
            )
        return value

    return BusSettings(
        adapter_url=text("adapter_url").rstrip("/"),
        auth_endpoint=_path(text("auth_endpoint", "/XrdAdapter/RestService/forward/mapi/login")),
        integration_endpoint=_path(text("integration_endpoint")),
        share_endpoint=_path(text("share_endpoint", "")),
        username=text("username"),
        dstcode=text("dstcode"),
        dstcode_in=text("dstcode_in", "header"),
        madonvi=text("madonvi"),
        services=_over(SERVICES, config.get("services")),
        paths=_over(PATHS, config.get("paths")),
        fields=_over(FIELDS, config.get("fields")),
        answer_fields=_over(ANSWER_FIELDS, config.get("answer_fields")),
        category_fields=_over(CATEGORY_FIELDS, config.get("category_fields")),
        read_back_key=text("read_back_key", "cauhoiid"),
        date_formats=tuple(config.get("date_formats") or DATE_FORMATS),
        answer_date_format=text("answer_date_format", "%d/%m/%Y"),
        answerer_name=text("answerer_name", ""),
        answerer_title=text("answerer_title", ""),
        expired_codes=frozenset(str(code) for code in config.get("expired_codes") or ()),
        busy_codes=frozenset(str(code) for code in config.get("busy_codes") or ()),
        kind=text("kind", "feedback"),
        max_tracked=int(config.get("max_tracked") or 5000),
    )


def _path(path: str) -> str:
    return path if not path or path.startswith("/") else f"/{path}"


def _over(defaults: Mapping[str, str], given: Mapping[str, Any] | None) -> dict[str, str]:
    unknown = set(given or ()) - set(defaults)
    if unknown:
        raise ConfigInvalid(
            f"unknown name in the bus settings: {', '.join(sorted(unknown))}",
            hint=f"Known are {', '.join(defaults)}",
        )
    return {**defaults, **{key: str(value).strip() for key, value in (given or {}).items()}}
