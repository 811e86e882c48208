"""As good as its quality.yaml says."""

from aggregator.sdk.conformance import suite_for

test_conformance = suite_for("webhook")
