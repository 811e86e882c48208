"""Sizes: no portal makes us hold more than the channel allows, packed or not."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta

import pytest

from aggregator.errors import SchemaDrift, UnknownOutcome
from aggregator.sdk.http import Http, host_of
from aggregator.sdk.sandbox import Portal, Response, serve

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
BOMB = gzip.compress(b" " * 60_000_000, 9)


@pytest.fixture(scope="module")
def running():
    portal = Portal()

    def stream(size: int):
        return Response((b"x" * 65_536 for _ in range(size // 65_536 + 1)), content_type="text/plain")

    @portal.route("/stream/<int:size>", ["GET", "POST"])
    def _stream(request, size):
        return stream(size)

    @portal.route("/declared/<int:size>")
    def _declared(request, size):
        answer = stream(size)
        answer.content_length = size
        return answer

    @portal.route("/bomb")
    def _bomb(request):
        return Response(BOMB, headers={"Content-Encoding": "gzip"})

    @portal.route("/double")
    def _double(request):
        return Response(
            gzip.compress(zlib.compress(b" " * 60_000_000)), headers={"Content-Encoding": "deflate, gzip"}
        )

    @portal.route("/packed")
    def _packed(request):
        return Response(gzip.compress("Đã vá ổ gà. ".encode() * 10_000), headers={"Content-Encoding": "gzip"})

    with serve(portal) as one:
        yield one


def http_for(running, **options):
    return Http(
        allowed_hosts=[host_of(running.url)],
        allow_private=True,
        deadline=NOW + timedelta(seconds=20),
        now=lambda: NOW,
        max_bytes=1_000_000,
        **options,
    )


@pytest.mark.parametrize("path", ["/stream/5000000", "/declared/5000000", "/bomb", "/double"])
def test_body_over_the_limit_is_refused_before_it_is_held(running, path):
    http = http_for(running)
    with pytest.raises(SchemaDrift, match=r"MB body refused.*the limit is 1 MB"):
        http.get(running.url + path)
    assert http.bytes_read <= 1_000_000 + 65_536 * 2


def test_declared_size_is_named_without_reading_a_byte(running):
    http = http_for(running)
    with pytest.raises(SchemaDrift, match=r"^50 MB body refused"):
        http.get(running.url + "/declared/50000000")
    assert http.bytes_read == 0


def test_oversize_answer_to_a_write_is_unknown(running):
    with pytest.raises(UnknownOutcome):
        http_for(running).post(running.url + "/stream/5000000", json={}, effect=True)


def test_packed_body_under_the_limit_is_read_whole(running):
    assert http_for(running).get(running.url + "/packed").text == "Đã vá ổ gà. " * 10_000
