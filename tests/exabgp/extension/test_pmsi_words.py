"""PMSI tunnels in words, both ways."""

import pytest
from hypothesis import given

from evpn.exabgp.extension import pmsi_words
from evpn.exabgp.extension.words import Words
from evpn.wire.pmsi import PmsiTunnel
from tests.wire.strategies import pmsi_tunnels

TUNNELS = {
    "ingress 100 10.0.0.3": "00 06 000064 0a000003",
    "ingress 16777215 2001:db8::3": "00 06 ffffff 20010db8000000000000000000000003",
    "leaf ingress 100 10.0.0.3": "01 06 000064 0a000003",
    "flags 3 ingress 100 10.0.0.3": "03 06 000064 0a000003",
    "none": "00 00 000000",
    "leaf none": "01 00 000000",
    "pim-ssm 100 10.0.0.3 232.0.0.1": "00 03 000064 0a000003 e8000001",
    "pim-sm 100 10.0.0.3 239.0.0.1": "00 04 000064 0a000003 ef000001",
    "bidir-pim 0 10.0.0.3 239.0.0.1": "00 05 000000 0a000003 ef000001",
    "pim-ssm 100 2001:db8::3 ff3e::1": "00 03 000064" + "20010db8" + "00" * 11 + "03" + "ff3e" + "00" * 13 + "01",
    "1 100 0x0a000001000000070a000003": "00 01 000064 0a000001000000070a000003",
    "10 100 0x": "00 0a 000064",
    "0 100 0x": "00 00 000064",
}


def parse(text: str) -> bytes:
    words = Words(text.split())
    value = pmsi_words.parse(words)
    assert not words
    return value


@pytest.mark.parametrize(("text", "octets"), TUNNELS.items(), ids=TUNNELS)
def test_words_and_octets_say_the_same_both_ways(text: str, octets: str) -> None:
    assert parse(text).hex() == octets.replace(" ", "")
    assert pmsi_words.describe(bytes.fromhex(octets)) == f"pmsi {text}"


@pytest.mark.parametrize(
    ("spelling", "same"),
    [
        ("ingress label 16 10.0.0.3", "ingress 256 10.0.0.3"),
        ("6 label 16 0x0a000003", "ingress 256 10.0.0.3"),
        ("flags 1 none", "leaf none"),
        ("3 100 0x0a000003e8000001", "pim-ssm 100 10.0.0.3 232.0.0.1"),
    ],
)
def test_more_than_one_spelling(spelling: str, same: str) -> None:
    assert parse(spelling) == parse(same)


@given(pmsi_tunnels)
def test_any_tunnel_survives_being_written_down(tunnel: PmsiTunnel) -> None:
    assert parse(pmsi_words.describe(tunnel.encode()).removeprefix("pmsi ")) == tunnel.encode()


def test_what_is_no_tunnel_has_no_words() -> None:
    assert pmsi_words.describe(bytes.fromhex("0006000064 0a0000")) == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "pmsi: a value is missing"),
        ("p2mp 5", "pmsi: 'p2mp' is not one of: none, ingress, pim-ssm, pim-sm, bidir-pim, or the number of a type"),
        ("256 5 0x", "'256' is not a number from 0 to 255"),
        ("leaf", "pmsi: a value is missing"),
        ("flags 256 none", "pmsi flags: '256' is not a number from 0 to 255"),
        ("ingress 16777216 10.0.0.3", "pmsi ingress: '16777216' is not a number from 0 to 16777215"),
        ("ingress label 1048576 10.0.0.3", "pmsi ingress label: '1048576' is not a number from 0 to 1048575"),
        ("ingress 100", "pmsi ingress: a value is missing"),
        ("ingress 100 vtep", "pmsi ingress: 'vtep' is not an IPv4 or IPv6 address"),
        ("pim-sm 100 10.0.0.3 ff3e::1", "pmsi pim-sm: sender and group are not of one address family"),
        ("1 100 10.0.0.3", "pmsi 1: '10.0.0.3' does not start with 0x"),
    ],
)
def test_a_mistake_says_what_is_accepted(text: str, reason: str) -> None:
    with pytest.raises(ValueError) as mistake:
        parse(text)

    assert str(mistake.value) == reason
