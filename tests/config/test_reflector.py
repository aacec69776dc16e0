import pytest

from evpn.config.errors import ConfigError
from evpn.config.reflector import frr_warnings, gobgp_ranges, reflector_id
from evpn.text import parse_ip
from tests.config.files import a_config


@pytest.mark.parametrize(
    ("address", "given", "router_id"),
    [
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "", "0.0.0.1"),
        ("2001:db8::10.0.0.1", "", "10.0.0.1"),
        ("2001:db8:1::", "192.0.2.1", "192.0.2.1"),
    ],
)
def test_the_router_id_of_a_reflector_is_the_end_of_its_address_if_not_said(
    address: str, given: str, router_id: str
) -> None:
    assert reflector_id(parse_ip(address), given) == router_id


def test_a_router_id_is_not_zero() -> None:
    with pytest.raises(
        ConfigError, match=r"^no router id in 2001:db8:1::; accepted: --router-id with an IPv4 address$"
    ):
        reflector_id(parse_ip("2001:db8:1::"))


def test_frr_is_warned_of_when_the_vtep_is_over_ipv6() -> None:
    assert frr_warnings(a_config()) == ()
    assert frr_warnings(a_config(vtep_address="2001:db8::3", router_id="10.0.0.3", local_address="10.0.0.3")) == (
        "FRR before 10.6 resets the session on type 3 routes of an IPv6 VTEP, 10.6 treats them as withdrawn, and 10.7"
        " is the first that takes them",
    )


def test_gobgp_has_no_passwords_for_ranges() -> None:
    (open_one,) = a_config().neighbors
    (secured,) = a_config(neighbors=[{"address": "10.0.0.1", "password": "hunter2"}]).neighbors
    assert gobgp_ranges(open_one, ["10.0.0.0/24"]) == ["10.0.0.0/24"]
    assert gobgp_ranges(secured, []) == []
    with pytest.raises(ConfigError, match=r"^GoBGP has no passwords for a --client-range; accepted: --client "):
        gobgp_ranges(secured, ["10.0.0.0/24"])
