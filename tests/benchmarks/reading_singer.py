"""A Singer tap and target, made with the Singer SDK as its documentation does it.

python -m tests.benchmarks.reading_singer tap ADDRESS
    | python -m tests.benchmarks.reading_singer target FILE.db
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from singer_sdk import RESTStream, Tap
from singer_sdk import typing as th
from singer_sdk.pagination import BasePageNumberPaginator
from singer_sdk.sql import SQLConnector, SQLSink, SQLTarget

TEXTS = ("title", "content", "address", "ward", "topic", "phone", "state")


class Pages(BasePageNumberPaginator):
    def has_more(self, response: Any) -> bool:
        return bool(response.json()["data"])


class Reports(RESTStream):
    name = "reports"
    path = "/reports"
    primary_keys = ("id",)
    records_jsonpath = "$.data[*]"
    schema = th.PropertiesList(
        th.Property("id", th.IntegerType),
        th.Property("lat", th.NumberType),
        th.Property("lng", th.NumberType),
        th.Property("sent", th.DateTimeType),
        *(th.Property(name, th.StringType) for name in TEXTS),
    ).to_dict()

    @property
    def url_base(self) -> str:
        return str(self.config["address"])

    def get_new_paginator(self) -> Pages:
        return Pages(1)

    def get_url_params(self, context: Any, next_page_token: Any) -> dict[str, Any]:
        return {"page": next_page_token, "size": 500}


class PagedTap(Tap):
    name = "tap-paged"
    config_jsonschema = th.PropertiesList(th.Property("address", th.StringType)).to_dict()

    def discover_streams(self) -> Iterable[Reports]:
        return [Reports(self)]


class FileConnector(SQLConnector):
    allow_merge_upsert = False

    def get_sqlalchemy_url(self, config: dict[str, Any]) -> str:
        return f"sqlite:///{config['file']}"


class FileSink(SQLSink):
    connector_class = FileConnector
    max_size = 10_000

    def preprocess_record(self, record: dict[str, Any], context: dict[str, Any]) -> dict[str, Any]:
        """Python's SQLite driver takes no `Decimal`, which the SDK reads numbers into."""
        return {key: float(value) if isinstance(value, Decimal) else value for key, value in record.items()}


class FileTarget(SQLTarget):
    name = "target-file"
    default_sink_class = FileSink
    config_jsonschema = th.PropertiesList(th.Property("file", th.StringType)).to_dict()


def main(which: str, value: str) -> None:
    if which == "tap":
        PagedTap(config={"address": value}).sync_all()
    else:
        FileTarget(config={"file": value}).listen(sys.stdin)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
