"""How good the connector behind a channel is: what it claims, as the conformance suite verifies it."""

from __future__ import annotations

from aggregator.errors import ConfigInvalid
from aggregator.sdk.conformance.quality import Quality, load_quality
from aggregator.sdk.discovery import Found
from aggregator.services.views.channel import ExemptionView, QualityView

__all__ = ["quality_of"]


def quality_of(found: Found | None) -> QualityView | None:
    """The connector's grade and exemptions; None where it is not installed or has no manifest.

    A claim that cannot be read claims nothing.
    """
    if found is None or found.manifest is None:
        return None
    manifest = found.manifest
    try:
        quality = load_quality(manifest.folder)
    except ConfigInvalid:
        quality = Quality()
    exemptions = tuple(ExemptionView(one.reason_vi, one.reason_en) for one in quality.exemptions)
    return QualityView(
        manifest.title["vi"], manifest.title["en"], manifest.version, manifest.maintainer,
        quality.grade.word, exemptions,
    )  # fmt: skip
