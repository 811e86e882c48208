"""As good as its quality.yaml says, with both faces of the portal."""

from aggregator.sdk.conformance import suite_for

test_conformance = suite_for("district_html")
test_conformance_of_cards = suite_for("district_html", {"face": "cards"})
