import pytest

from evpn.agent.host import HostError, check_identity, problems
from tests.builders import CONFIGURATION, DEVICE_LINK, LINKS, OURS, VTEP2, a_link, ip, settings

ADDRESSES = [ip("127.0.0.1"), OURS, ip("2001:db8::10")]
FULL = """
vtep-address: 10.0.0.10
local-as: 65000
neighbors: [{address: 10.0.0.251}]
vnis: [{vni: 100, create: true, ports: [tap0, tap1]}]
"""


def found(text: str = FULL, addresses=ADDRESSES, **changes) -> list[str]:
    """Of a good host, but for the devices that `changes` names: with other fields, or None for absent."""
    links = {}
    for link in LINKS:
        fields = changes.get(link.name, {})
        if fields is not None:
            links[link.ifindex] = link._replace(**fields)
    return list(problems(settings(text), links, addresses))


def test_a_good_host_has_none() -> None:
    assert found() == []
    assert found(vxlan100=None) == []
    assert found(CONFIGURATION) == []


def test_addresses_that_are_on_no_interface() -> None:
    assert found(addresses=[ip("127.0.0.1"), VTEP2, ip("2001:db8::2")]) == [
        "vtep-address: 10.0.0.10 is on no interface; accepted: one of 10.0.0.2",
        "local-address: 10.0.0.10 is on no interface; accepted: one of 10.0.0.2",
    ]
    assert found(addresses=[])[0] == "vtep-address: 10.0.0.10 is on no interface; accepted: one of none there is"


@pytest.mark.parametrize(
    ("name", "fields", "problem"),
    [
        ("vxlan100", {"kind": "veth"}, "device vxlan100: found a device of kind veth; accepted: vxlan"),
        ("vxlan100", {"vni": 7}, "device vxlan100: found VNI 7; accepted: 100"),
        (
            "vxlan100",
            {"local": VTEP2},
            "device vxlan100: found local address 10.0.0.2; accepted: 10.0.0.10, the vtep-address",
        ),
        (
            "vxlan100",
            {"local": b""},
            "device vxlan100: found local address none; accepted: 10.0.0.10, the vtep-address",
        ),
        (
            "vxlan100",
            {"local": ip("2001:db8::10")},
            "device vxlan100: found local address 2001:db8::10; accepted: 10.0.0.10, the vtep-address; "
            "IPv4 and IPv6 VNIs need an agent each, with a vtep-address of that family",
        ),
        ("vxlan100", {"port": 8472}, "device vxlan100: found UDP port 8472; accepted: 4789"),
        ("vxlan100", {"master": 11}, "device vxlan100: found in bridge tap0; accepted: br100"),
        ("br100", {"kind": "bond"}, "bridge br100: found a device of kind bond; accepted: bridge"),
        ("tap1", {"master": 99}, "ports: tap1: found in 99; accepted: in br100 or in none"),
    ],
)
def test_a_device_that_is_not_as_configured_is_named_with_its_place(name, fields, problem: str) -> None:
    assert found(**{name: fields}) == [f"vnis[0]: {problem}"]


def test_every_problem_is_told() -> None:
    assert len(found(vxlan100={"port": 1, "local": b""}, tap1={"master": 99})) == 3


def test_a_port_that_is_not_there_yet_is_no_problem() -> None:
    assert found(tap0=None) == []


def test_a_device_of_another_name_is_held_to_the_same() -> None:
    links = {link.ifindex: link for link in LINKS if link.name != "vxlan100"}
    links[2] = DEVICE_LINK._replace(name="overlay", port=1)

    assert list(problems(settings(FULL), links, ADDRESSES)) == [
        "vnis[0]: device overlay: found UDP port 1; accepted: 4789"
    ]


@pytest.mark.parametrize("change", ["port: 4790", "strategy: static-l3"])
def test_what_takes_another_device_is_a_problem_where_we_may_not_make_it_again(change: str) -> None:
    wanted = settings(FULL.replace("create: true", f"create: true, {change}"))
    links = {link.ifindex: link for link in LINKS}

    assert list(problems(wanted, links, ADDRESSES, {"vxlan100"})) == []
    assert len(list(problems(wanted, links, ADDRESSES))) == 1
    never = settings(FULL.replace("create: true", f"create: false, {change}"))
    assert len(list(problems(never, links, ADDRESSES, {"vxlan100"}))) == 1


def test_a_device_outside_of_any_bridge_is_no_problem_yet() -> None:
    assert found(vxlan100={"master": 0}) == []


def test_without_create_ports_are_nobodys_business() -> None:
    assert found(FULL.replace("create: true", "create: false"), tap0=None) == []


def test_an_unrelated_device_is_unrelated() -> None:
    links = {link.ifindex: link for link in (*LINKS, a_link(50, "eth0"))}

    assert list(problems(settings(FULL), links, ADDRESSES)) == []


@pytest.mark.parametrize(("user", "group"), [(0, 0), (54321, 54321), (54321, 7)])
def test_root_or_an_ordinary_user_may_run_it(user: int, group: int) -> None:
    check_identity(user, group)


@pytest.mark.parametrize(("user", "group"), [(0, 54321), (54321, 0)])
def test_half_a_root_is_refused_before_exabgp_does(user: int, group: int) -> None:
    with pytest.raises(HostError, match=f"found user {user} with group {group}: ExaBGP refuses"):
        check_identity(user, group)
