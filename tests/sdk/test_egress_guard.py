"""No socket leads off the channel's list, nor to an address that no portal has."""

import socket

import pytest

from aggregator.errors import ConfigInvalid
from aggregator.sdk import egress
from aggregator.sdk.egress import Egress, host_of

HOSTILE = [
    "ftp://portal.example/",
    "file:///etc/passwd",
    "gopher://portal.example/",
    "//portal.example/",
    "portal.example",
    "",
    "http://",
    "http:///x",
    "http://evil.example/",
    "http://portal.example.evil.example/",
    "http://evil.example/portal.example",
    "http://portal.example@evil.example/",
    "http://evil.example@portal.example/",
    "http://user:pass@portal.example/",
    "http://portal.example:8080/",
    "http://portal.example:0/",
    "http://portal.example:99999/",
    "http://portal.example:80a/",
    "http://portal.example\\@evil.example/",
    "http://evil.example\\.portal.example/",
    "http://portal.example\t.evil.example/",
    "http://portal.example\r\nHost: evil.example/",
    "http://portal.example /",
    "http://portal.example%2eevil.example/",
    "http://portal%00.example/",
    "http://127.0.0.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0177.0.0.1/",
    "http://127.1/",
    "http://[::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[fe80::1%25eth0]/",
    "http://[::1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://localhost/",
    "http://portal.example#@evil.example:81/../../" + "\x00",
    "https://portal。example.evil/",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_hostile_address_is_refused_before_anything_is_resolved(url, monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: pytest.fail("a name was resolved"))
    with pytest.raises(ConfigInvalid, match="address refused"):
        Egress(["portal.example"], allow_private=True).admit(url)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://portal.example/a?b=c", "portal.example:80"),
        ("https://PORTAL.example.:443/", "portal.example:443"),
        ("http://cổng.example/", "xn--cng-qmz.example:80"),
        ("http://[2001:db8::1]:8080/", "[2001:db8::1]:8080"),
    ],
)
def test_good_address_is_let_through(url, host):
    assert host_of(url) == host
    Egress([host], allow_private=False).admit(url)


PRIVATE = ["10.0.0.5", "127.0.0.1", "192.168.1.9", "172.16.0.1", "::1", "fd12::1", "100.64.0.1", "198.18.0.1"]
NEVER = [
    "169.254.169.254",
    "fe80::1",
    "224.0.0.1",
    "ff02::1",
    "0.0.0.0",
    "::",
    "0.1.2.3",
    "255.255.255.255",
    "240.0.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1",
]
HIDDEN_PRIVATE = ["::ffff:10.0.0.5", "64:ff9b::a00:5", "2002:a00:5::1", "::ffff:127.0.0.1"]


def resolving_to(monkeypatch, *answers):
    made = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, 80)) for a in answers]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: made)


@pytest.mark.parametrize("address", PRIVATE + HIDDEN_PRIVATE + NEVER)
def test_listed_name_that_leads_inside_is_refused(address, monkeypatch):
    resolving_to(monkeypatch, address)
    with pytest.raises(ConfigInvalid, match="leads to"):
        Egress(["portal.example"], allow_private=False).addresses("portal.example", 80)


@pytest.mark.parametrize("address", NEVER)
def test_metadata_and_multicast_are_refused_in_the_offices_own_network_too(address, monkeypatch):
    resolving_to(monkeypatch, address)
    with pytest.raises(ConfigInvalid, match="leads to"):
        Egress(["portal.example"], allow_private=True).addresses("portal.example", 80)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_serve_where_the_channel_allows_them(address, monkeypatch):
    resolving_to(monkeypatch, address)
    assert Egress(["portal.example"], allow_private=True).addresses("portal.example", 80) == [address]


def test_one_unfit_address_among_good_ones_refuses_all(monkeypatch):
    resolving_to(monkeypatch, "203.113.0.7", "10.0.0.5")
    with pytest.raises(ConfigInvalid):
        Egress(["portal.example"], allow_private=False).addresses("portal.example", 80)


def test_the_address_that_was_checked_is_the_one_connected_to(monkeypatch):
    """A name server that answers differently the second time is never asked a second time."""
    asked, connected = [], []

    def rebinding(host, *_a, **_k):
        asked.append(host)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("1.1.1.1" if len(asked) == 1 else "127.0.0.1", 80))
        ]

    def connect(address, *_a, **_k):
        connected.append(address)
        raise OSError("no network in tests")

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    monkeypatch.setattr(egress, "create_connection", connect)
    adapter = Egress(["portal.example"], allow_private=False).adapter()
    pool = adapter.poolmanager.connection_from_url("http://portal.example/")
    with pytest.raises(Exception, match="cannot connect"):
        pool.urlopen("GET", "/", retries=False)
    assert asked == ["portal.example"] and connected == [("1.1.1.1", 80)]
