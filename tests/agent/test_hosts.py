"""Hosts known beforehand, from the configuration and from an operator: rows, routes, reloads, and what is refused."""

import pytest

from evpn.agent.configure import configure
from evpn.config.settings import Host
from evpn.dataplane.entries import NTF_STICKY, NUD_NOARP
from evpn.text import format_rd
from evpn.values import IpAddress, MacAddress, Vni
from evpn.wire.routes import MacIpRoute
from tests.agent.vtep import MARK, Vtep, a_mac, our_macs, tell
from tests.builders import CONFIGURATION, IP1, IP2, LINKS, M1, M2, M3, RR1, VTEP3, a_link, settings
from tests.fakes import FakeKernel, Row
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

V100 = Vni(100)
ON_TAP0 = '{mac: "02:00:00:00:00:01", ip: [192.0.2.1], port: tap0}'


def config(hosts: str = "", more: str = "") -> str:
    return CONFIGURATION.replace("{vni: 100}", f"{{vni: 100, hosts: [{hosts}]{more}}}")


def started(hosts: str, *links) -> Vtep:
    vtep = Vtep(settings(config(hosts)), FakeKernel(*LINKS, *links))
    vtep.peer_up()
    vtep.settle()
    return vtep


def reload(vtep: Vtep, text: str) -> None:
    vtep.settings = settings(text)
    configure(vtep.core, vtep.settings, vtep.now)
    vtep.settle()


def a_host(mac: MacAddress = M1, *ips: IpAddress, port: str | None = None, sticky: bool = False) -> Host:
    return Host(mac, ips, sticky, port)


def add(vtep: Vtep, host: Host) -> None:
    vtep.core.hosts.add(V100, host)
    vtep.settle()


def delete(vtep: Vtep, mac: MacAddress) -> None:
    vtep.core.hosts.delete(V100, mac)
    vtep.settle()


def ours(vtep: Vtep) -> dict[tuple[bytes, bytes], str]:
    """(MAC, IP) -> route distinguisher."""
    routes = [MacIpRoute.decode(nlri[2:]) for nlri, *_ in vtep.announcements().values() if nlri[0] == 2]
    return {(route.mac, route.ip): format_rd(route.rd) for route in routes}


# Rows and routes


def test_one_on_a_port_has_its_row_and_its_routes_before_it_says_anything() -> None:
    vtep = started(ON_TAP0)

    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT, flags=MARK)
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}


def test_a_sticky_one_cannot_be_taken_by_a_frame() -> None:
    vtep = started(ON_TAP0.replace("}", ", sticky: true}"))
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT, NUD_NOARP, MARK | NTF_STICKY)

    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1].where == PORT


def test_one_that_moves_to_another_port_has_its_row_there() -> None:
    vtep = started(ON_TAP0)

    vtep.kernel.frame(M1, OTHER_PORT)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1] == Row(OTHER_PORT, flags=MARK)


def test_a_port_may_come_later_and_go_again(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, port="tap2"))
    assert (BRIDGE, M1) not in vtep.kernel.bridge
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}

    vtep.kernel.add_link(a_link(13, "tap2", master=BRIDGE))
    vtep.settle()
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(13, flags=MARK)

    vtep.kernel.remove_link(13)
    vtep.settle()
    assert (BRIDGE, M1) not in vtep.kernel.bridge
    assert vtep.core.dataplane.pending == 0

    vtep.kernel.add_link(a_link(14, "tap2", master=BRIDGE))
    vtep.settle()
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(14, flags=MARK)


@pytest.mark.parametrize("port", ["vxlan100", "br100", "eth0"])
def test_a_port_that_is_none_of_the_bridge_is_none(port: str) -> None:
    vtep = started("", a_link(13, "eth0"))

    add(vtep, a_host(M1, IP1, port=port))

    assert (BRIDGE, M1) not in vtep.kernel.bridge
    assert vtep.core.dataplane.pending == 0


def test_without_devices_nothing_is_announced_and_with_them_it_is() -> None:
    kernel = FakeKernel(*[link for link in LINKS if link.ifindex != DEVICE])
    vtep = Vtep(settings(config(ON_TAP0)), kernel)
    vtep.peer_up()
    vtep.settle()
    assert vtep.announcements() == {}

    vtep.kernel.add_link(LINKS[1])
    vtep.settle()
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}

    vtep.kernel.change_link(DEVICE, up=False)
    vtep.settle()
    assert vtep.announcements() == {}


def test_what_it_says_beside_goes_with_its_port_though_its_row_stays() -> None:
    vtep = started(ON_TAP0)
    vtep.host_says(M1, PORT, IP2)
    vtep.settle()
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1), (M1, IP2)}

    vtep.kernel.change_link(PORT, up=False)
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}


def test_a_level_check_finds_nothing_to_do() -> None:
    vtep = started(ON_TAP0 + ', {mac: "02:00:00:00:00:02", sticky: true}')
    writes, heard = vtep.kernel.writes, len(vtep.speaker.heard)

    vtep.level_check()

    assert (vtep.kernel.writes, len(vtep.speaker.heard), vtep.core.kernel.drift) == (writes, heard, 0)


def test_a_row_that_somebody_deletes_is_written_again() -> None:
    vtep = started(ON_TAP0)

    vtep.kernel.drop_bridge(M1)
    vtep.settle()

    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT, flags=MARK)


def test_the_next_turn_does_not_look_at_them_all_again(vtep: Vtep, monkeypatch: pytest.MonkeyPatch) -> None:
    add(vtep, a_host(M1, IP1, port="tap0"))
    looks = []
    monkeypatch.setattr(vtep.core.hosts, "_expect", lambda *host: looks.append(host))

    tell(vtep, a_mac(M2, VTEP3))

    assert looks == []


# Reload


def test_a_reload_brings_new_ones_and_takes_old_ones_and_touches_no_others() -> None:
    other = '{mac: "02:00:00:00:00:02", ip: [192.0.2.2], port: tap1}'
    third = '{mac: "02:00:00:00:00:03", port: tap1}'
    vtep = started(f"{ON_TAP0}, {other}")
    told = len(vtep.speaker.heard)

    reload(vtep, config(f"{other}, {third}"))

    assert ours(vtep).keys() == {(M2, b""), (M2, IP2), (M3, b"")}
    assert (BRIDGE, M1) not in vtep.kernel.bridge
    assert vtep.kernel.bridge[BRIDGE, M3] == Row(OTHER_PORT, flags=MARK)
    assert not any(M2.hex() in line for line in vtep.speaker.heard[told:])


def test_addresses_that_two_hosts_exchange_are_each_others() -> None:
    one, two = '{mac: "02:00:00:00:00:01", ip: [192.0.2.%d]}', '{mac: "02:00:00:00:00:02", ip: [192.0.2.%d]}'
    vtep = started(f"{one % 1}, {two % 2}")

    reload(vtep, config(f"{one % 2}, {two % 1}"))

    assert ours(vtep).keys() == {(M1, b""), (M1, IP2), (M2, b""), (M2, IP1)}


def test_another_route_distinguisher_leaves_nothing_under_the_old_one() -> None:
    vtep = started(ON_TAP0)
    vtep.host_says(M2, PORT, IP2)
    vtep.settle()

    reload(vtep, config(ON_TAP0, ", rd: 10.0.0.10:7"))

    keys = {(M1, b""), (M1, IP1), (M2, b""), (M2, IP2)}
    assert ours(vtep) == dict.fromkeys(keys, "10.0.0.10:7")


def test_another_route_distinguisher_in_the_turn_in_which_a_host_leaves_leaves_nothing_either() -> None:
    vtep = started("")
    vtep.host_says(M2, PORT, IP2)
    vtep.settle()
    vtep.core.fabric.domains[V100].forget(M2)

    reload(vtep, config("", ", rd: 10.0.0.10:7"))

    assert ours(vtep) == {}


def test_a_vni_that_goes_and_comes_again_with_other_hosts_has_those() -> None:
    vtep = started(ON_TAP0)
    vtep.host_says(M2, PORT, IP2)
    vtep.settle()

    reload(vtep, CONFIGURATION.replace("100", "200"))
    assert vtep.announcements() == {}
    assert (BRIDGE, M1) not in vtep.kernel.bridge

    reload(vtep, config('{mac: "02:00:00:00:00:03", ip: [192.0.2.2], port: tap1}'))
    assert ours(vtep).keys() == {(M2, b""), (M3, b""), (M3, IP2)}


def test_another_limit_of_hosts_is_one_of_addresses_too(vtep: Vtep) -> None:
    reload(vtep, config(more=", max-macs: 1"))
    for n in range(1, 7):
        vtep.host_says(M1, PORT, IpAddress(bytes((192, 0, 2, n))))
    vtep.settle()
    assert len(ours(vtep)) == 1 + 4

    reload(vtep, config(more=", max-macs: 2"))
    for n in range(1, 7):
        vtep.host_says(M1, PORT, IpAddress(bytes((192, 0, 2, n))))
    vtep.settle()
    assert len(ours(vtep)) == 1 + 6


# Operators


def test_what_an_operator_added_and_deleted_leaves_nothing(vtep: Vtep) -> None:
    before = dict(vtep.kernel.bridge)
    add(vtep, a_host(M1, IP1, port="tap0", sticky=True))
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}

    delete(vtep, M1)

    assert ours(vtep) == {}
    assert vtep.kernel.bridge == before


def test_added_again_it_is_as_it_was_said_last(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, port="tap0"))

    add(vtep, a_host(M1, IP2, port="tap1"))

    assert ours(vtep).keys() == {(M1, b""), (M1, IP2)}
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(OTHER_PORT, flags=MARK)


def test_one_that_is_there_and_answers_goes_on_when_it_is_deleted(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, port="tap0"))
    vtep.host_says(M1, PORT, IP1)
    vtep.hosts[PORT, M1] = {IP1}
    vtep.settle()
    told = len(vtep.speaker.heard)

    delete(vtep, M1)
    vtep.settle()
    vtep.settle()

    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT)
    assert not any("withdraw" in line for line in vtep.speaker.heard[told:])
    assert vtep.core.fabric.domains[V100].quiet == {}


def test_one_that_was_there_and_is_silent_is_given_up_when_it_is_deleted(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, port="tap0"))
    vtep.host_says(M1, PORT, IP1)
    vtep.settle()

    delete(vtep, M1)
    for _ in range(4):
        vtep.settle(seconds=1)

    assert ours(vtep) == {}
    assert (BRIDGE, M1) not in vtep.kernel.bridge


def test_one_whose_row_the_kernel_refused_is_gone_when_it_is_deleted(vtep: Vtep) -> None:
    vtep.kernel.refuse = {M1: 28}
    add(vtep, a_host(M1, port="tap0"))

    delete(vtep, M1)

    assert ours(vtep) == {}
    assert vtep.core.fabric.domains[V100].local == {}


def test_what_an_operator_added_outlasts_a_reload_and_ends_with_the_agent(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, port="tap0"))
    reload(vtep, config(more=", max-macs: 50"))
    assert ours(vtep).keys() == {(M1, b""), (M1, IP1)}

    vtep.restart()
    vtep.peer_up()
    vtep.settle()

    assert ours(vtep) == {}
    assert (BRIDGE, M1) not in vtep.kernel.bridge


def test_the_configuration_outlasts_the_agent_and_nothing_changes_meanwhile() -> None:
    vtep = started(ON_TAP0)
    before, writes = vtep.announcements().copy(), vtep.kernel.writes

    vtep.restart()
    vtep.peer_up()
    vtep.settle()

    assert (vtep.announcements(), vtep.kernel.writes) == (before, writes)


def test_the_configuration_has_the_last_word_on_what_an_operator_added(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1, IP2, port="tap1"))
    add(vtep, a_host(M3, IpAddress(b"\xc0\0\2\3")))

    reload(vtep, config('{mac: "02:00:00:00:00:01", port: tap0}, {mac: "02:00:00:00:00:02", ip: [192.0.2.3]}'))

    assert ours(vtep).keys() == {(M1, b""), (M2, b""), (M2, b"\xc0\0\2\3"), (M3, b"")}
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT, flags=MARK)
    assert [known.configured for known in vtep.core.hosts.all()] == [True, True, False]


def test_news_of_devices_do_not_shake_who_has_an_address_that_both_say(vtep: Vtep) -> None:
    add(vtep, a_host(M1, IP1))
    reload(vtep, config('{mac: "02:00:00:00:00:02", ip: [192.0.2.1]}'))
    heard = len(vtep.speaker.heard)

    vtep.kernel.add_link(a_link(13, "tap2"))
    vtep.settle()

    assert len(vtep.speaker.heard) == heard


@pytest.mark.parametrize(
    ("host", "message"),
    [
        (a_host(M1), "02:00:00:00:00:01 is in the configuration; change it there, and reload"),
        (a_host(M2, IP1), "192.0.2.1 belongs to 02:00:00:00:00:01 already"),
        (a_host(M2, IP2), "192.0.2.2 belongs to 02:00:00:00:00:03 already"),
    ],
)
def test_what_is_known_otherwise_is_refused(host: Host, message: str) -> None:
    vtep = started(ON_TAP0)
    add(vtep, a_host(M3, IP2))

    with pytest.raises(ValueError, match=message):
        add(vtep, host)

    assert [known.host.mac for known in vtep.core.hosts.all()] == [M1, M3]


def test_the_same_address_in_another_vni_is_another() -> None:
    vtep = started(ON_TAP0)
    reload(vtep, config(ON_TAP0).replace("]}]", "]}, {vni: 200}]"))

    vtep.core.hosts.add(Vni(200), a_host(M1, IP1))

    assert len(list(vtep.core.hosts.all())) == 2


@pytest.mark.parametrize(
    ("mac", "message"),
    [
        (M1, "02:00:00:00:00:01 is in the configuration; take it out there, and reload"),
        (M2, "02:00:00:00:00:02 was not added in VNI 100"),
    ],
)
def test_what_was_not_added_is_not_deleted(mac: MacAddress, message: str) -> None:
    vtep = started(ON_TAP0)

    with pytest.raises(ValueError, match=message):
        delete(vtep, mac)


def test_one_that_was_added_first_and_configured_then_is_in_the_configuration() -> None:
    vtep = started("")
    add(vtep, a_host(M1, IP2))
    reload(vtep, config(ON_TAP0))

    with pytest.raises(ValueError, match="take it out there"):
        delete(vtep, M1)
    reload(vtep, config())

    assert ours(vtep) == {}


def test_one_that_is_elsewhere_when_it_is_added_comes_here(vtep: Vtep) -> None:
    """An orchestrator says so, at the end of a migration."""
    tell(vtep, a_mac(M1, VTEP3, IP1, sequence=3), peers=[RR1])

    add(vtep, a_host(M1, IP1, port="tap0"))

    assert our_macs(vtep) == {M1: 4}
    assert vtep.kernel.bridge[BRIDGE, M1] == Row(PORT, flags=MARK)
    assert (DEVICE, M1) not in vtep.kernel.tunnel
