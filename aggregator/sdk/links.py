"""Addresses that pages and answers name. Not every text is one: Python itself refuses ``http://[``."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit

from aggregator.errors import SchemaDrift

__all__ = ["file_name", "joined"]


def joined(base: str, link: str) -> str:
    """The address that a link on the page `base` leads to. Raises `SchemaDrift` where it is none."""
    try:
        return urljoin(base, link)
    except ValueError as error:
        raise SchemaDrift("a link is no address", evidence={"url": base.partition("?")[0]}) from error


def file_name(address: str) -> str:
    """The last part of an address, readable; empty where it has none."""
    try:
        return unquote(PurePosixPath(urlsplit(address).path).name)
    except ValueError:
        return ""
