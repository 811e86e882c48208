"""dlt reading the paged portal into SQLite, as its own documentation does it: rest_api source, merge by id.

python -m tests.benchmarks.reading_dlt ADDRESS FOLDER
"""

from __future__ import annotations

import os
import sys
from pathlib import Path


def main(address: str, folder: Path) -> None:
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["DLT_DATA_DIR"] = str(folder / "dlt")
    import dlt
    from dlt.sources.rest_api import rest_api_source

    pages = {"type": "page_number", "base_page": 1, "page_param": "page", "total_path": None}
    endpoint = {
        "path": "reports", "params": {"size": 500}, "data_selector": "data",
        "paginator": {**pages, "stop_after_empty_page": True},
    }  # fmt: skip
    resource = {"name": "reports", "primary_key": "id", "write_disposition": "merge", "endpoint": endpoint}
    source = rest_api_source({"client": {"base_url": address}, "resources": [resource]})
    target = dlt.destinations.sqlalchemy(f"sqlite:///{folder / 'dlt.db'}")
    dlt.pipeline("paged", destination=target, dataset_name="main").run(source)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
