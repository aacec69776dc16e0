"""`evpn run` with an IPv6 VTEP on a host that is not as it needs it: one line, an exit code, and nothing made."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.interop.fabric import Fabric, Vtep
from tests.interop.underlay import V6

pytestmark = pytest.mark.kernel

OURS = V6.address(11)
EACH = "IPv4 and IPv6 VNIs need an agent each, with a vtep-address of that family"


@pytest.fixture
def vtep() -> Iterator[Vtep]:
    with Fabric("run6", frr=False, family=6) as fabric:
        yield fabric.vtep(11)


@pytest.mark.parametrize(
    ("commands", "change", "status", "line"),
    [
        (
            [],
            {"router_id": None},
            2,
            "router-id: missing, and vtep-address is no IPv4 address; accepted: an IPv4 address",
        ),
        (
            [],
            {"neighbors": [{"address": "10.0.0.1"}]},
            2,
            f"neighbors[0].address: found 10.0.0.1; accepted: an IPv6 address, as the local-address {OURS} is",
        ),
        (
            ["link add vxlan100 type vxlan id 100 local 10.0.0.11 dstport 4789"],
            {},
            1,
            f"vnis[0]: device vxlan100: found local address 10.0.0.11; accepted: {OURS}, the vtep-address; {EACH}",
        ),
        (
            ["link add vxlan100 type vxlan id 100 local 2001:db8::12 dstport 4789"],
            {},
            1,
            f"vnis[0]: device vxlan100: found local address 2001:db8::12; accepted: {OURS}, the vtep-address",
        ),
        (
            [],
            {"vtep_address": "2001:db8::77"},
            1,
            f"vtep-address: 2001:db8::77 is on no interface; accepted: one of {OURS}",
        ),
    ],
    ids=["no router id", "neighbor over IPv4", "device over IPv4", "device of another address", "address nowhere"],
)
def test_what_does_not_fit(vtep: Vtep, commands: list[str], change: dict[str, Any], status: int, line: str) -> None:
    for command in commands:
        vtep.run("ip", *command.split())
    vtep.configure(**change)
    before = vtep.tables()

    said = vtep.evpn("run", config=True, status=status)

    assert said == f"{vtep.config}: {line}\n"
    assert vtep.tables() == before


def test_an_address_that_is_still_tentative(vtep: Vtep) -> None:
    vtep.run("sysctl", "-qw", "net.ipv6.conf.eth0.dad_transmits=1000")  # seconds: as long as the test needs
    vtep.run("ip", "address", "add", "2001:db8::21/64", "dev", "eth0")
    vtep.configure(vtep_address="2001:db8::21")

    assert vtep.evpn("run", config=True, status=1) == (
        "2001:db8::21 port 179: cannot assign requested address; accepted: an address that duplicate address detection "
        "is done with; `ip address` calls it tentative before\n"
    )
