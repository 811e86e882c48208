"""As good as its quality.yaml says, on a real Dovecot."""

from aggregator.sdk.conformance import suite_for

test_conformance = suite_for("email")
