"""Is this connector good? Some sixty checks, run offline, and a grade: Bronze, Silver or Gold.

A test file of an author's own repository is whole with these lines:

    from aggregator.sdk.conformance import suite_for

    test_conformance = suite_for("my_connector")

    connector + scenario (a portal that runs) -> every rule of `catalogue` -> verdicts -> grade

Promise: nothing outside this machine is reached, whatever the connector tries; each rule says in one
sentence what it asks for, and a connector that misses it is told what was seen. What may surprise: the
grade is claimed in ``quality.yaml`` and only verified here. A rule above the claim cannot fail a test;
an exemption that is no longer needed does.

Importing this package loads nothing: pytest does so at every start where the product is installed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["suite_for"]


def suite_for(connector: str | Path, scenario: Mapping[str, Any] | None = None) -> Callable[..., None]:
    """A parametrised test function: every rule up to the claimed grade, and the grade itself.

    `connector` is the id of an installed connector, or the folder of its ``connector.yaml``.
    `scenario` goes over the sandbox's own SCENARIO: another face of the portal, judged by the same rules.
    """
    from aggregator.sdk.conformance.suite import suite

    made: Callable[..., Any] = suite(connector, scenario)
    return made
