"""Style, script and icons under names that hold their own digest, so browsers keep them for ever.

The few files are read once at start. `asset("app.css")` gives ``/static/app.1a2b3c4d.css``: a changed
file has a new address, and an address never changes its content.
"""

from __future__ import annotations

import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Flask, Response, abort, url_for
from markupsafe import Markup

from inbox_web.access import Door, open_to

FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"

blueprint = Blueprint("assets", __name__)


def _digested(path: Path) -> str:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    return f"{path.stem}.{digest}{path.suffix}"


_NAMES = {path.name: _digested(path) for path in sorted(FOLDER.iterdir()) if path.is_file()}
_CONTENT = {digested: (FOLDER / name).read_bytes() for name, digested in _NAMES.items()}


def asset(name: str) -> str:
    """The address of a static file. An unknown name is an error of the template."""
    return url_for("assets.static", name=_NAMES[name])


def icon(name: str) -> Markup:
    """A symbol of the sprite. It is decoration: words stand beside it."""
    return Markup('<svg class="i" aria-hidden="true"><use href="{}#{}"/></svg>').format(
        asset("icons.svg"), name
    )


@blueprint.get("/static/<name>")
@open_to(Door.PUBLIC)
def static(name: str) -> Response:
    if name not in _CONTENT:
        abort(404)
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return Response(_CONTENT[name], content_type=kind, headers={"Cache-Control": FOREVER})


def install(app: Flask) -> None:
    app.register_blueprint(blueprint)
    app.add_template_global(asset, "asset")
    app.add_template_global(icon, "icon")
