import pytest

from evpn.dataplane.plan import Plan, advice, is_made_for, unfit
from tests.builders import DEVICE_LINK, ip

STATIC_L2, LEARNS = Plan(), Plan("static-flood", learning=True, macs=False, neighbors=False)
PROXY, MISSES = Plan("static-l3", proxy=True), Plan("dynamic-l3", proxy=True, misses=True, flood=False)
MADE_FOR_PROXY = DEVICE_LINK._replace(proxy=True)
MADE_FOR_MISSES = MADE_FOR_PROXY._replace(l2miss=True, l3miss=True)


def test_the_bridge_answers_unless_the_device_does() -> None:
    assert STATIC_L2.suppression
    assert not any(plan.suppression for plan in (LEARNS, PROXY, MISSES, Plan(neighbors=False)))


@pytest.mark.parametrize(
    ("device", "plan", "needs"),
    [
        (DEVICE_LINK, PROXY, "proxy"),
        (DEVICE_LINK, MISSES, "proxy l2miss l3miss"),
        (MADE_FOR_PROXY, MISSES, "proxy l2miss l3miss"),
        (MADE_FOR_PROXY, STATIC_L2, "noproxy nol2miss nol3miss"),
        (MADE_FOR_MISSES, LEARNS, "noproxy nol2miss nol3miss"),
        (MADE_FOR_MISSES, PROXY, "proxy"),
    ],
)
def test_a_device_of_another_kind_is_unfit_and_says_what_is_needed(device, plan, needs) -> None:
    why = unfit(device, plan)

    assert not is_made_for(device, plan)
    assert why is not None
    assert f"for {plan.name}: with {needs}, which the kernel cannot change" in why


@pytest.mark.parametrize(
    ("device", "plan"),
    [(DEVICE_LINK, STATIC_L2), (DEVICE_LINK, LEARNS), (MADE_FOR_PROXY, PROXY), (MADE_FOR_MISSES, MISSES)],
)
def test_a_device_of_its_kind_serves(device, plan) -> None:
    assert is_made_for(device, plan)
    assert unfit(device, plan) is None


def test_a_device_as_planned_needs_no_advice() -> None:
    device = DEVICE_LINK._replace(port_learning=False, neighbor_suppression=True)

    assert list(advice(device, STATIC_L2)) == []
    assert list(advice(device._replace(neighbor_suppression=False), PROXY)) == []
    assert list(advice(DEVICE_LINK._replace(learning=True, port_learning=True), LEARNS)) == []


@pytest.mark.parametrize(
    ("fields", "plan", "command"),
    [
        ({"learning": True}, STATIC_L2, "ip link set vxlan100 type vxlan nolearning"),
        ({"learning": False}, LEARNS, "ip link set vxlan100 type vxlan learning"),
        ({"port_learning": True}, STATIC_L2, "bridge link set dev vxlan100 learning off"),
        ({"learning": True, "port_learning": False}, LEARNS, "bridge link set dev vxlan100 learning on"),
        ({"neighbor_suppression": False}, STATIC_L2, "bridge link set dev vxlan100 neigh_suppress on"),
        (
            {"learning": True, "group": ip("239.0.0.1")},
            LEARNS._replace(group=ip("239.0.0.100")),
            "ip link set vxlan100 type vxlan group 239.0.0.100 dev $(ip -o address show to 10.0.0.10 | cut -d' ' -f2)",
        ),
    ],
)
def test_what_is_not_as_planned_comes_with_the_command_that_mends_it(fields, plan, command) -> None:
    (line,) = advice(DEVICE_LINK._replace(**fields), plan)

    assert line.endswith(f": {command}")
