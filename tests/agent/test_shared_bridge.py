"""Two VNIs in one bridge would be one Ethernet segment: the first is served, the other waits for its turn.

So it is with devices that were found; a bridge that the configuration gives to a VNI is for no other.
"""

from tests.agent.vtep import Vtep
from tests.builders import BRIDGE_LINK, CONFIGURATION, DEVICE_LINK, LINKS, a_link, settings
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE

SECOND = 55
OTHER = a_link(SECOND, "vxlan200", "vxlan", master=BRIDGE, vni=200, local=DEVICE_LINK.local, port=4789)


def a_vtep_with_both(vnis: str = "discover: true") -> Vtep:
    vtep = Vtep(settings(CONFIGURATION.replace("vnis: [{vni: 100}]", vnis)), FakeKernel(*LINKS, OTHER))
    vtep.peer_up()
    vtep.settle()
    return vtep


def test_the_second_one_is_not_served_and_says_why() -> None:
    vtep = a_vtep_with_both()

    assert vtep.core.instances.problems == {200: "br100 carries VNI 100 already"}
    assert len(vtep.announcements()) == 1


def test_it_is_served_once_the_first_has_left() -> None:
    vtep = a_vtep_with_both()

    vtep.kernel.change_link(DEVICE, master=0)
    vtep.settle()

    assert vtep.core.instances.problems == {100: "vxlan100 is in no bridge"}
    assert vtep.core.dataplane.by_bridge[BRIDGE_LINK.ifindex].vni == 200
    assert len(vtep.announcements()) == 1


def test_a_device_in_the_bridge_of_another_vni_is_not_served_there() -> None:
    """It would have the place of the VNI whose bridge that is, and lead frames of one into the other."""
    vtep = a_vtep_with_both("vnis: [{vni: 100}, {vni: 200}]")
    vtep.kernel.change_link(DEVICE, master=0)
    vtep.settle()

    assert vtep.core.instances.problems == {
        100: "vxlan100 is in no bridge",
        200: "vxlan200 is in br100, the bridge of VNI 100",
    }
    assert vtep.announcements() == {}
