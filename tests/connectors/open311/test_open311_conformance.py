"""As good as its quality.yaml says, in both formats."""

from aggregator.sdk.conformance import suite_for

test_conformance = suite_for("open311")
test_conformance_of_xml = suite_for("open311", {"config": {"format": "xml"}})
