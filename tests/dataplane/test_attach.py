import pytest

from evpn.dataplane.attach import attachment, choose, vxlan_by_vni
from evpn.dataplane.plan import Plan, advice
from evpn.dataplane.segment import Attachment
from tests.builders import BRIDGE_LINK, DEVICE_LINK, LINKS, OURS, VTEP2, a_link, ip

BY_INDEX = {link.ifindex: link for link in LINKS}
OTHER = a_link(20, "vxlan-other", "vxlan", vni=100, local=VTEP2)
SAME = a_link(21, "vxlan-same", "vxlan", vni=100, local=OURS)


def test_devices_are_found_by_their_vni() -> None:
    external = a_link(22, "vxlan-external", "vxlan", external=True)

    found = vxlan_by_vni({link.ifindex: link for link in (*LINKS, OTHER, external)})

    assert found == {100: [DEVICE_LINK, OTHER]}


@pytest.mark.parametrize(
    ("candidates", "name", "chosen"),
    [
        ([OTHER, SAME, DEVICE_LINK], "vxlan-other", OTHER),
        ([OTHER, SAME], "no such name", SAME),
        ([SAME, DEVICE_LINK], "no such name", DEVICE_LINK),
        ([OTHER], "no such name", OTHER),
        ([], "vxlan100", None),
    ],
)
def test_of_several_the_name_then_our_address_then_the_oldest_is_chosen(candidates, name, chosen) -> None:
    assert choose(candidates, name, OURS) == chosen


def test_a_bridge_that_filters_vlans_is_not_served() -> None:
    links = {link.ifindex: link for link in (BRIDGE_LINK._replace(vlan_filtering=True), DEVICE_LINK)}

    assert attachment(DEVICE_LINK, links, OURS) == ("br100 filters VLANs, and only a bridge that does not is served")


def test_devices_of_others_get_advice() -> None:
    theirs = DEVICE_LINK._replace(learning=True, port_learning=True, neighbor_suppression=False)
    ours = DEVICE_LINK._replace(learning=False, port_learning=False, neighbor_suppression=True)

    assert len(list(advice(theirs, Plan()))) == 3
    assert len(list(advice(theirs, Plan(neighbors=False)))) == 2
    assert list(advice(ours, Plan())) == []


def test_a_device_in_a_bridge_carries_its_vni() -> None:
    assert attachment(DEVICE_LINK, BY_INDEX, OURS) == Attachment(DEVICE_LINK, BRIDGE_LINK)


@pytest.mark.parametrize(
    ("device", "others", "why"),
    [
        (None, {}, "no VXLAN device with this VNI"),
        (DEVICE_LINK._replace(local=VTEP2), {}, "vxlan100 has local address 10.0.0.2 instead of 10.0.0.10"),
        (DEVICE_LINK._replace(local=b""), {}, "vxlan100 has local address none instead of 10.0.0.10"),
        (
            DEVICE_LINK._replace(local=ip("2001:db8::1")),
            {},
            "vxlan100 has local address 2001:db8::1 instead of 10.0.0.10: "
            "IPv4 and IPv6 VNIs need an agent each, with a vtep-address of that family",
        ),
        (DEVICE_LINK._replace(master=0), {}, "vxlan100 is in no bridge"),
        (DEVICE_LINK._replace(master=99), {}, "vxlan100 is in no bridge"),
        (DEVICE_LINK, {1: BRIDGE_LINK._replace(kind="bond")}, "vxlan100 is in no bridge"),
        (DEVICE_LINK._replace(up=False), {}, "vxlan100 is down"),
        (DEVICE_LINK, {1: BRIDGE_LINK._replace(up=False)}, "br100 is down"),
    ],
)
def test_why_a_vni_cannot_be_served(device, others, why: str) -> None:
    assert attachment(device, BY_INDEX | others, OURS) == why
