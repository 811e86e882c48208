"""A portal with a JSON interface, described by its manifest alone (``kind: json``).

    connector.yaml -> schema, compiling -> definition, once
    poll:  window -> client -> pager -> walk -> items -> Record
    push:  answering -> client;  read back: fetch -> items -> Record

A small subclass goes over what words cannot say; these are made to be overridden:

    data_of(stream, data)      one record's data before it is mapped
    record_of(stream, record)  one record after it was mapped

What may surprise: a page that does not look as the manifest says is never "nothing new". No list where
`records` points, an empty list the source counts as full, a repeated page inside its own count, half a
page of unreadable records: each is `SchemaDrift`, with the page kept for the eye of a person.
"""

from __future__ import annotations

from aggregator.sdk.json_portal.portal import JsonPortal

__all__ = ["JsonPortal"]
