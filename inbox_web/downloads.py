"""Files that strangers made, handed on: citizens' photos, pages of portals, pictures of proof.

Promise: such a file is never shown inside our pages, runs nothing where a browser opens it all the same, and
is not kept by an office's shared PC.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

from flask import send_file
from werkzeug.wrappers import Response


def download(source: Path | BinaryIO, filename: str, kind: str) -> Response:
    """The file as a download under this name."""
    response = send_file(source, mimetype=kind, as_attachment=True, download_name=filename, etag=False)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
