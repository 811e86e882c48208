"""`motmoi channel differences`: a finding where a portal shows something else than we believe."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

from tests.cli.test_portal_commands import channel_file, portal


def test_differences_are_a_finding_and_their_words_stay_off_the_terminal(motmoi: Any) -> None:
    with portal(motmoi) as url:
        motmoi("channel", "add", channel_file(motmoi, url))
        motmoi("channel", "poll", "cong-1022")
        assert motmoi("channel", "differences", "cong-1022").code == 0
        words = "Đơn vị khác đã phúc đáp thẳng trên cổng."
        body = {"id": "1001", "answers": [{"body": words}], "status": "resolved"}
        request = urllib.request.Request(f"{url}/_control/answers", json.dumps(body).encode())
        urllib.request.urlopen(request).close()
        motmoi("channel", "poll", "cong-1022")
        told = motmoi("channel", "differences", "cong-1022")
        assert (told.code, words in told.out) == (1, False)
        assert "answer_foreign" in told.out and "1001" in told.out
        document = motmoi("channel", "differences", "cong-1022", "--json").document
        assert document["open"] == {"answer_foreign": 1} and document["more"] is False
