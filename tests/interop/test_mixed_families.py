"""BGP sessions over the other address family than the VXLAN packets: `local-address` beside `vtep-address`."""

import pytest

from .fabric import Fabric, Vtep, address
from .frr import Namespace, until
from .gobgp import GoBgp, Neighbor
from .underlay import UNDERLAYS, Underlay

pytestmark = pytest.mark.interop


@pytest.mark.parametrize(("tunnels", "sessions"), [(6, 4), (4, 6)], ids=["IPv6-VTEPs", "IPv4-VTEPs"])
def test_the_family_of_the_sessions_is_not_that_of_the_vteps(tunnels: int, sessions: int) -> None:
    other = UNDERLAYS[sessions]
    with Fabric("mixed", frr=False, family=tunnels) as fabric:
        one, two = (a_vtep(fabric, number, other) for number in (11, 12))
        h1, h2 = fabric.host(one, 1), fabric.host(two, 2)
        with GoBgp(a_node(fabric.node(1), 1, other), address(1), [a_client(other, 11), a_client(other, 12)]):
            one.start()
            two.start()

            until(lambda: (one.flood(), two.flood()) == ({two.address}, {one.address}))
            until(lambda: h1.reaches(h2))
            until(lambda: one.remote(h2.mac) == {"bridge", two.address})
            assert set(one.peers()) == {other.address(1)}


def a_vtep(fabric: Fabric, number: int, other: Underlay) -> Vtep:
    vtep = fabric.vtep(
        number,
        router_id=address(number),
        local_address=other.address(number),
        neighbors=[{"address": other.address(1), "hold-time": 9}],
        vnis=[{"vni": 100, "ports": ["tap1"]}],
    )
    a_node(vtep.namespace, number, other)
    return vtep


def a_node(node: Namespace, number: int, other: Underlay) -> Namespace:
    """With an address of the other family as well."""
    node.run("ip", "address", "add", f"{other.address(number)}/{other.length}", "dev", "eth0", *other.options)
    return node


def a_client(other: Underlay, number: int) -> Neighbor:
    return Neighbor(other.address(number), client=True)
