"""`motmoi channel statuses`: a finding while a portal's word has no meaning; one word, one option."""

from __future__ import annotations

from typing import Any

from tests.cli.test_portal_commands import SCENARIO, channel_file, portal


def test_a_word_without_a_meaning_is_a_finding_until_it_has_one(motmoi: Any) -> None:
    first, second = SCENARIO["reports"]
    with portal(motmoi, reports=[{**first, "status": "CHO_PHAN_CONG"}, second]) as url:
        motmoi("channel", "add", channel_file(motmoi, url))
        motmoi("channel", "poll", "cong-1022")
        told = motmoi("channel", "statuses", "cong-1022")
        assert told.code == 1 and "CHO_PHAN_CONG" in told.out
        document = motmoi("channel", "statuses", "cong-1022", "--json").document
        assert [(one["word"], one["reports"]) for one in document["unknown"]] == [("CHO_PHAN_CONG", 1)]

        mapped = motmoi("channel", "statuses", "cong-1022", "--map", "CHO_PHAN_CONG=waiting", "--json")
        assert (mapped.code, mapped.document["unknown"]) == (0, [])
        assert {"word": "CHO_PHAN_CONG", "status": "waiting", "own": True, "usual": None} in mapped.document[
            "known"
        ]
        assert motmoi("channel", "statuses", "cong-1022", "--map", "CHO_PHAN_CONG=").code == 1
        for wrong in ("CHO_PHAN_CONG", "CHO_PHAN_CONG=xong"):
            assert motmoi("channel", "statuses", "cong-1022", "--map", wrong).code == 2
