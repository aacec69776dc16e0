import pytest
from hypothesis import given
from hypothesis import strategies as st

from evpn.text import parse_ip
from evpn.wire.errors import Disposition, WireError
from evpn.wire.pmsi import PmsiTunnel, ingress_replication

from .strategies import pmsi_tunnels


def test_ingress_replication_carries_the_vni_as_it_is() -> None:
    assert ingress_replication(100, parse_ip("10.0.0.2")).encode().hex() == "00060000640a000002"


@pytest.mark.parametrize("endpoint", ["10.0.0.2", "2001:db8::2"])
def test_the_endpoint_is_of_either_family(endpoint: str) -> None:
    tunnel = ingress_replication(0xFFFFFF, parse_ip(endpoint))

    assert PmsiTunnel.decode(tunnel.encode()) == tunnel


@given(pmsi_tunnels)
def test_what_is_encoded_is_decoded_to_the_same(tunnel: PmsiTunnel) -> None:
    assert PmsiTunnel.decode(tunnel.encode()) == tunnel


@pytest.mark.parametrize("value", ["", "00060000", "0006000064", "00060000640a0000", "0006000064" + "00" * 17])
def test_a_tunnel_to_nowhere_withdraws_its_routes(value: str) -> None:
    with pytest.raises(WireError) as caught:
        PmsiTunnel.decode(bytes.fromhex(value))
    assert caught.value.disposition is Disposition.WITHDRAW


@given(st.binary(max_size=40))
def test_any_octets_are_a_tunnel_or_an_error_and_none_is_lost(value: bytes) -> None:
    try:
        tunnel = PmsiTunnel.decode(value)
    except WireError:
        return
    assert tunnel.encode() == value
