"""Of received UPDATEs only those end the session of which the routes cannot be told."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.exabgp.extension import framing
from evpn.wire import update
from evpn.wire.errors import WireError

CAPTURES = Path(__file__).parents[2] / "captures"
BODIES = {
    path.stem: bytes.fromhex("".join(line for line in path.read_text().splitlines() if not line.startswith("#")))
    for path in sorted(CAPTURES.glob("*.hex"))
    if "open" not in path.stem
}
MAC = BODIES["frr-mac"]
REACH = MAC[4 : 4 + 4 + int.from_bytes(MAC[6:8])] if MAC[4] & 0x10 else MAC[4 : 4 + 3 + MAC[6]]

ORIGIN, MED = b"\x40\x01\x01\x00", b"\x80\x04\x04\0\0\0\7"


def verdict(body: bytes) -> str:
    left = framing.check(body)
    if isinstance(left, framing.Fault):
        return f"3/{left.subcode}"
    return "not EVPN" if left == body else "both" if left else "passed on"


def body_of(attributes: bytes, announced: bytes = b"") -> bytes:
    return bytes(2) + len(attributes).to_bytes(2) + attributes + announced


@pytest.mark.parametrize("name", BODIES)
def test_what_real_speakers_send_is_passed_on(name: str) -> None:
    assert verdict(BODIES[name]) == "passed on"


@pytest.mark.parametrize("length", range(4, len(MAC)))
def test_a_message_cut_off_is_never_passed_on(length: int) -> None:
    assert verdict(MAC[:length]) != "passed on"


@pytest.mark.parametrize("length", range(1, len(REACH)))
def test_an_mp_reach_cut_off_ends_the_session(length: int) -> None:
    assert verdict(body_of(REACH[:length])).startswith("3/")


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (REACH + REACH, "3/1"),
        (REACH + b"\x40\x01\x09\x00", "passed on"),  # the damage is behind the routes
        (b"\x40\x01\x09\x00" + REACH, "3/1"),  # and here before them
        (b"\x80\x0f\x03\x00\x19\x46" + b"\x40\x01\x09\x00", "3/1"),  # routes may be announced behind it
        (b"\x80\x0f\x03\x00\x19\x46", "passed on"),
        (b"\x80\x0f\x04\x00\x19\x46\x02", "3/9"),
        (b"\x80\x0f\x02\x00\x19", "3/9"),
        (b"\x80\x0e\x05\x00\x19\x46\x00\x00", "3/9"),
        (b"\x80\x0e\x15\x00\x19\x46\x10" + bytes(17), "passed on"),
        *(
            (b"\x80\x0e" + bytes((5 + size,)) + b"\x00\x19\x46" + bytes((size,)) + bytes(size + 1), "3/9")
            for size in (8, 12, 24)
        ),
        (b"\x80\x0f\x03\x00\x01\x01", "not EVPN"),
        (b"", "not EVPN"),
    ],
    ids=[
        "twice",
        "damage behind",
        "damage before",
        "damage behind withdrawals",
        "end of RIB",
        "half a route",
        "no family",
        "no next hop",
        "IPv6 next hop",
        *("next hop with no family",) * 3,
        "IPv4",
        "nothing",
    ],
)
def test_the_routes_decide(attributes: bytes, expected: str) -> None:
    assert verdict(body_of(attributes)) == expected


@pytest.mark.parametrize("route", [b"", b"\x08\x0a"])
@pytest.mark.parametrize("withdrawn", [b"", b"\x08\x0b"])
@pytest.mark.parametrize("other", [b"", b"\x80\x0f\x05\0\2\1\x08\x20"])
def test_routes_of_other_families_in_the_same_update_are_left_to_exabgp(
    route: bytes, withdrawn: bytes, other: bytes
) -> None:
    def body(attributes: bytes) -> bytes:
        return len(withdrawn).to_bytes(2) + withdrawn + body_of(attributes, route)[2:]

    if route or withdrawn or other:
        assert framing.check(body(ORIGIN + REACH + other + MED)) == body(ORIGIN + other + MED)
        assert framing.check(body(ORIGIN + other + MED)) == body(ORIGIN + other + MED)
    else:
        assert framing.check(body(ORIGIN + REACH + MED)) == b""


def test_a_damaged_attribute_of_ipv4_routes_is_exabgps_to_judge() -> None:
    damaged = b"\x40\x01\x09\x00"
    assert verdict(body_of(damaged, announced=b"\x08\x0a")) == "not EVPN"
    both = body_of(REACH + damaged, announced=b"\x08\x0a")
    assert framing.check(both) == body_of(damaged, announced=b"\x08\x0a")


@given(st.sampled_from(list(BODIES.values())), st.data())
def test_the_session_ends_exactly_where_the_codec_says_so(body: bytes, data: st.DataObject) -> None:
    """`wire.update` reads the same octets for the agent: what passes here must never be too damaged for it."""
    at = data.draw(st.integers(4, len(body) - 1))
    damaged = body[:at] + bytes((data.draw(st.integers(0, 255)),)) + body[at + 1 :]
    try:
        update.decode(damaged)
    except WireError:
        expected = True
    else:
        expected = False

    found = verdict(damaged)

    assert found in ("not EVPN", "both") or found.startswith("3/") == expected


@given(st.binary(max_size=64))
def test_any_octets_have_a_verdict(body: bytes) -> None:
    assert verdict(body) in ("passed on", "not EVPN", "both", "3/1", "3/9")
    assert verdict(body_of(body)) in ("passed on", "not EVPN", "both", "3/1", "3/9")


def route_of(size: int) -> bytes:
    """Whatever is in it, also octets that look like a length."""
    return bytes((2, size)) + bytes((size,)) * size


@given(
    st.one_of(st.lists(st.sampled_from((0, 1, 33, 37)), max_size=8), st.lists(st.just(33), max_size=120)),
    st.integers(0, 40),
    st.sampled_from((b"\x90\x0e", b"\x90\x0f")),
)
def test_routes_of_one_length_and_of_several_end_where_the_last_one_ends(
    sizes: list[int], cut: int, kind: bytes
) -> None:
    routes = b"".join(map(route_of, sizes))
    ends = {0, *(len(b"".join(map(route_of, sizes[:count]))) for count in range(len(sizes) + 1))}
    left = routes[: max(len(routes) - cut, 0)]
    value = b"\x00\x19\x46" + (b"\x04\x0a\0\0\1\0" if kind[1] == 14 else b"") + left

    assert verdict(body_of(kind + len(value).to_bytes(2) + value)) == ("passed on" if len(left) in ends else "3/9")
