"""Devices of a configuration on a real kernel: made, changed in place, made again, and left as they were."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from evpn.agent.devices import keep_flags, make
from evpn.netlink import groups, links
from evpn.netlink.dump import read_link
from evpn.netlink.errors import NetlinkError
from evpn.netlink.links import Links
from tests.config.files import a_config
from tests.namespaces import Namespace, is_subscribed, veth

from .conftest import until

pytestmark = pytest.mark.kernel

GROUP, OTHER_GROUP = "239.0.0.100", "239.1.1.1"
OPERATORS = "ip link add vxlan100 type vxlan id 100 local 10.0.0.3 dstport 4789 nolearning ageing 77 ttl 33"
ADDRESSES = {4: ("10.0.0.3", 24), 6: ("2001:db8::3", 64)}


class Host:
    """With an underlay on eth0, and a second network on eth9."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace
        self.vtep = ADDRESSES[4][0]

    def run(self, line: str) -> str:
        return self.namespace.run(*line.split())

    def configure(self, *vnis: dict[str, object], **more: object) -> None:
        """What `evpn run` and a reload do."""
        made, peer = Links(), self.vtep.removesuffix("3") + "1"
        file = {"vtep-address": self.vtep, "router-id": "10.0.0.3", "neighbors": [{"address": peer}]}
        file["vnis"] = list(vnis or [{"vni": 100}])
        try:
            make(a_config(**file, **more), made)
        finally:
            made.close()

    def shown(self, name: str = "vxlan100") -> Any:
        (told,) = json.loads(self.namespace.run("ip", "-j", "-d", "link", "show", "dev", name))
        return told

    def told(self, name: str = "vxlan100") -> dict[str, Any]:
        """What a VXLAN device is like."""
        data: dict[str, Any] = self.shown(name)["linkinfo"]["info_data"]
        return data

    def index(self, name: str = "vxlan100") -> int:
        return int(self.shown(name)["ifindex"])

    def flooded(self, name: str = "vxlan100") -> list[tuple[str, str | None]]:
        rows = json.loads(self.namespace.run("bridge", "-j", "fdb", "show", "dev", name))
        return [(row["dst"], row.get("viaIf")) for row in rows if row["mac"] == "00:00:00:00:00:00"]

    def joined(self, group: str) -> set[str]:
        """The devices on which the host listens to a group."""
        told = json.loads(self.namespace.run("ip", "-j", "maddr", "show"))
        return {one["ifname"] for one in told for address in one["maddr"] if address.get("address") == group}


@pytest.fixture
def host() -> Iterator[Host]:
    with Namespace("devices") as namespace, Namespace("others") as others:
        for name in ("eth0", "eth9"):
            veth(namespace, name, others, name)
            namespace.run("ip", "link", "set", name, "mtu", "1550")
        for address, length in ADDRESSES.values():
            namespace.run("ip", "address", "add", f"{address}/{length}", "dev", "eth0", "nodad")
        with namespace.entered():
            yield Host(namespace)


@pytest.fixture(params=[4, 6], ids=["IPv4", "IPv6"])
def either(host: Host, request: pytest.FixtureRequest) -> Host:
    host.vtep = ADDRESSES[request.param][0]
    return host


def multicast(**options: object) -> dict[str, object]:
    return {"vni": 100, "strategy": "multicast", "multicast": options}


def test_a_group_is_joined_and_left_by_a_device_that_stays_up(either: Host) -> None:
    group = GROUP if either.vtep == "10.0.0.3" else "ff05::64"
    either.configure()
    index = either.index()
    with either.namespace.popen("ip", "monitor", "link") as watched:
        until(lambda: is_subscribed(watched.pid))
        either.configure(multicast())
        assert either.joined(group) == {"eth0"}
        assert either.flooded() == [(group, "eth0")]
        either.configure()
        watched.terminate()
        said = watched.communicate()[0]

    assert either.joined(group) == set()
    assert either.flooded() == []
    assert either.index() == index
    assert "vxlan100" in said
    assert "vxlan100" not in [line.split(": ")[1] for line in said.splitlines() if "state DOWN" in line]


def test_rows_of_the_device_outlive_another_group(host: Host) -> None:
    host.configure()
    host.run("bridge fdb add 00:00:5e:00:53:01 dev vxlan100 dst 10.0.0.9 self extern_learn")
    host.configure(multicast())
    host.configure(multicast(group=OTHER_GROUP))

    assert "00:00:5e:00:53:01 dst 10.0.0.9 self extern_learn" in host.run("bridge fdb show dev vxlan100")


def test_what_leaves_a_group_sends_as_a_device_that_never_had_one(host: Host) -> None:
    host.configure(multicast(ttl=7))
    assert host.told()["ttl"] == 7
    host.configure()

    assert not host.told().get("ttl")
    assert "group" not in host.told()


@pytest.mark.parametrize("change", [{"ttl": 9}, {"group": OTHER_GROUP}, {"device": "eth9"}])
def test_one_option_of_multicast_is_changed_in_place(host: Host, change: dict[str, object]) -> None:
    before = {"group": GROUP, "device": "eth0", "ttl": 7}
    host.configure(multicast(**before))
    index = host.index()
    after = before | change
    host.configure(multicast(**after))

    told = host.told()
    assert {"group": told["group"], "device": told["link"], "ttl": told["ttl"]} == after
    assert host.flooded() == [(after["group"], after["device"])]
    assert host.joined(str(after["group"])) == {after["device"]}
    assert host.index() == index


def test_another_device_and_then_another_group_leave_nothing_behind(host: Host) -> None:
    host.configure(multicast(device="eth0"))
    host.configure(multicast(device="eth9"))
    host.configure(multicast(device="eth9", group=OTHER_GROUP))

    assert host.flooded() == [(OTHER_GROUP, "eth9")]
    assert (host.joined(GROUP), host.joined(OTHER_GROUP)) == (set(), {"eth9"})


def test_a_kernel_that_joins_as_a_device_comes_up_has_it_down_and_up(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux before 6.15 leaves and joins at no other moment: what it says of a group does not change meanwhile."""
    monkeypatch.setattr(links, "users", lambda group, ifindex: 1)
    host.configure()
    host.configure(multicast())
    host.configure(multicast(group=OTHER_GROUP))
    assert (host.joined(GROUP), host.joined(OTHER_GROUP)) == (set(), {"eth0"})
    assert host.flooded() == [(OTHER_GROUP, "eth0")]
    host.configure()

    assert host.joined(OTHER_GROUP) == set()
    assert "UP" in host.shown()["flags"]


def test_who_has_joined_a_group_is_counted(host: Host) -> None:
    index = host.index("eth0")
    for vtep, group in (("10.0.0.3", "239.0.0.100"), ("2001:db8::3", "ff05::64")):
        host.vtep = vtep
        wanted = bytes(map(int, group.split("."))) if "." in group else b"\xff\x05" + bytes(13) + b"\x64"
        assert groups.users(wanted, index) == 0  # type: ignore[arg-type]
        host.configure(multicast() | {"device": f"vx{len(wanted)}", "bridge": f"br{len(wanted)}"})
        assert groups.users(wanted, index) == 1  # type: ignore[arg-type]
        host.run(f"ip link del vx{len(wanted)}")


def test_more_groups_than_the_kernel_lets_a_socket_join(host: Host) -> None:
    """All VXLAN devices of a port share a socket."""
    host.run("sysctl -qw net.ipv4.igmp_max_memberships=2")
    host.run(OPERATORS.replace("vxlan100", "other").replace("id 100", "id 99 group 239.9.9.9 dev eth0"))
    host.run("ip link set other up")
    host.configure(*(multicast() | {"vni": vni} for vni in (101, 102, 103)))

    assert [host.joined(f"239.0.0.{vni}") for vni in (101, 102, 103)] == [{"eth0"}] * 3


def test_flood_rows_of_ours_are_not_left_without_their_mark(host: Host) -> None:
    """The agent was stopped, and is started with another strategy: a group would take the mark from them."""
    host.configure({"vni": 100, "strategy": "static-flood"})
    host.run("bridge fdb append 00:00:00:00:00:00 dev vxlan100 dst 10.0.0.9 self extern_learn permanent")
    host.configure(multicast())

    assert host.flooded() == [(GROUP, "eth0")]


@pytest.mark.parametrize(("old", "new"), [(None, 1400), (1400, 1450), (1400, None)])
def test_a_changed_mtu_is_set_in_place(host: Host, old: int | None, new: int | None) -> None:
    def vni(mtu: int | None) -> dict[str, object]:
        return {"vni": 100} | ({"mtu": mtu} if mtu else {})

    host.configure(vni(old))
    index = host.index()
    host.configure(vni(new))

    assert host.shown()["mtu"] == (new or 1500)
    assert host.shown("br100")["mtu"] == (new or 1500)
    assert host.index() == index


def test_a_device_that_is_made_again_has_the_changed_mtu(host: Host) -> None:
    host.configure({"vni": 100, "mtu": 1400})
    host.configure({"vni": 100, "mtu": 1450, "strategy": "static-l3"})

    assert (host.shown()["mtu"], host.told()["proxy"]) == (1450, True)


def test_ipsec_that_is_switched_on_takes_its_share(host: Host) -> None:
    host.configure()
    host.configure(ipsec={"vteps": ["10.0.0.0/24"], "psk": "correct-horse-battery-staple"})

    assert host.shown()["mtu"] == 1500 - 34 - 1550 % 4


def test_a_group_on_a_narrower_device_lowers_the_mtu(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.run("ip link set eth9 mtu 1450")
    host.configure()
    host.configure(multicast(device="eth9"))
    assert host.shown()["mtu"] == 1400

    host.configure(multicast(device="eth9") | {"mtu": 1500})
    assert host.shown()["mtu"] == 1400
    assert "device=vxlan100 cannot have mtu=1500" in caplog.text


def test_an_mtu_is_kept_while_the_underlay_is_not_there(host: Host) -> None:
    host.configure({"vni": 100, "mtu": 1400})
    host.run("ip address del 10.0.0.3/24 dev eth0")
    host.configure()

    assert host.shown()["mtu"] == 1400


def test_another_udp_port_takes_another_device(host: Host, caplog: pytest.LogCaptureFixture) -> None:
    host.configure()
    index = host.index()
    with caplog.at_level(logging.WARNING):
        host.configure({"vni": 100, "port": 4790})

    assert host.told()["port"] == 4790
    assert host.index() != index
    assert "made device=vxlan100 again" in caplog.text


def test_another_name_is_given_to_the_same_device(host: Host) -> None:
    host.configure()
    index = host.index()
    host.configure({"vni": 100, "device": "overlay"})

    assert host.index("overlay") == index
    assert "UP" in host.shown("overlay")["flags"]


@pytest.mark.parametrize(
    "vni", [{"strategy": "dynamic-l3"}, {"port": 4790}, {"strategy": "static-flood"}, {"device": "overlay"}], ids=str
)
def test_a_device_that_somebody_else_has_made_stays_that_device(host: Host, vni: dict[str, object]) -> None:
    host.run(OPERATORS)
    index = host.index()
    host.configure({"vni": 100} | vni)

    told = host.told()
    assert (host.index(), told["ageing"], told["ttl"], host.shown()["mtu"]) == (index, 77, 33, 1500)
    assert told["learning"] == (vni.get("strategy") == "static-flood")


def test_its_mtu_is_changed_when_the_configuration_says_one(host: Host) -> None:
    host.run(OPERATORS.replace(" type", " mtu 1350 type"))
    host.configure()
    assert host.shown()["mtu"] == 1350

    host.configure({"vni": 100, "mtu": 1400})
    assert host.shown()["mtu"] == 1400


@pytest.mark.parametrize("left", ["vxlan100 nomaster", "vxlan100 down", "br100 down"])
def test_what_an_agent_that_was_killed_has_left_undone_is_done(host: Host, left: str) -> None:
    host.configure()
    host.run(f"ip link set {left}")
    host.configure()

    assert host.shown()["master"] == "br100"
    assert "UP" in host.shown()["flags"]
    assert "UP" in host.shown("br100")["flags"]


def test_a_device_in_no_bridge_is_put_into_its_bridge_whoever_has_made_it(host: Host) -> None:
    host.run(OPERATORS)
    host.configure()

    told = host.shown()
    assert (told["master"], "UP" in told["flags"]) == ("br100", True)
    assert told["linkinfo"]["info_slave_data"]["neigh_suppress"] is True


FAILS = {"vni": 7, "ports": ["x" * 15], "bridge": "lo"}
"""Found out when all of the other VNIs are done: lo is no bridge."""


@pytest.mark.parametrize(
    "change",
    [
        {"strategy": "static-flood"},
        {"strategy": "multicast"},
        {"strategy": "dynamic-l3"},
        {"mtu": 1400},
        {"port": 4790},
        {"device": "overlay"},
    ],
    ids=str,
)
def test_a_reload_that_fails_leaves_everything_as_it_was(host: Host, change: dict[str, object]) -> None:
    def state() -> object:
        shown = host.shown()
        port = shown["linkinfo"]["info_slave_data"]
        told = {key: value for key, value in host.told().items() if key != "link"}
        return told, port["learning"], port["neigh_suppress"], shown["mtu"], shown["flags"], host.flooded()

    host.configure()
    before = state()
    with pytest.raises(NetlinkError):
        host.configure({"vni": 100} | change, FAILS)

    assert state() == before
    assert host.joined(GROUP) == set()


def test_flags_that_somebody_takes_away_come_back_and_our_own_changes_are_nobody_elses(
    host: Host, caplog: pytest.LogCaptureFixture
) -> None:
    """What the bridge says of its ports is read later than it is said."""
    host.configure()
    link, opened = read_link("vxlan100"), Links()
    assert link is not None
    old = link._replace(port_learning=True, neighbor_suppression=False)
    keep_flags(a_config(), opened, old)
    keep_flags(a_config(), opened, old._replace(ifindex=9999))  # before it was made again
    assert caplog.text == ""

    host.run("bridge link set dev vxlan100 learning on neigh_suppress off")
    keep_flags(a_config(), opened, old)
    opened.close()
    port = host.shown()["linkinfo"]["info_slave_data"]
    assert (port["learning"], port["neigh_suppress"]) == (False, True)
    assert "somebody changed flags of device=vxlan100" in caplog.text


def test_a_group_without_its_device_is_told_before_anything_is_done(host: Host) -> None:
    with pytest.raises(NetlinkError, match=r"multicast\.device nothing"):
        host.configure({"vni": 7}, multicast(device="nothing"))

    assert "br7" not in host.run("ip link show type bridge")
