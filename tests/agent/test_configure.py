import gc
from weakref import ref

import pytest

from evpn.agent.configure import check_reload, configure
from evpn.config.errors import ConfigError
from evpn.values import Vni
from tests.agent.vtep import Vtep, a_mac, a_vtep, our_macs, tell
from tests.builders import CONFIGURATION, DEVICE_LINK, M1, M2, RR1, VTEP2, a_core, a_link, settings
from tests.fakes import FakeKernel
from tests.kernel_rows import DEVICE, PORT

DISCOVER = CONFIGURATION.replace("vnis: [{vni: 100}]", "discover: true")
BOTH = CONFIGURATION + "discover: true\n"


@pytest.fixture
def known(vtep: Vtep) -> Vtep:
    """A remote VTEP with a MAC, and a host of ours."""
    tell(vtep, a_vtep(), a_mac(M1))
    vtep.kernel.frame(M2, PORT)
    vtep.settle()
    return vtep


def reload(vtep: Vtep, text: str) -> None:
    configure(vtep.core, settings(text), vtep.now)
    vtep.settle()


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("vtep-address: 10.0.0.11", "vtep-address"),
        ("router-id: 10.0.0.11", "router-id"),
        ("local-as: 65001", "local-as"),
        ("run-dir: /run/other", "run-dir"),
    ],
)
def test_what_only_a_restart_can_change_is_refused_by_name(line: str, key: str) -> None:
    old = CONFIGURATION + "router-id: 10.0.0.10\nlocal-address: 10.0.0.10\nrun-dir: /run/evpn\n"
    new = "\n".join([text for text in old.splitlines() if not text.startswith(f"{key}:")] + [line])

    check_reload(settings(old), settings(old))
    with pytest.raises(ConfigError, match=f"{key}: found a value other than at the start"):
        check_reload(settings(old), settings(new))


def test_the_same_configuration_again_changes_nothing(known: Vtep) -> None:
    writes, heard = known.kernel.writes, len(known.speaker.heard)

    reload(known, CONFIGURATION)

    assert (known.kernel.writes, len(known.speaker.heard)) == (writes, heard)


def test_another_vni_leaves_the_first_alone(known: Vtep) -> None:
    writes = known.kernel.writes

    reload(known, CONFIGURATION.replace("{vni: 100}", "{vni: 100}, {vni: 200}"))

    assert list(known.core.instances.served) == [100, 200]
    assert known.core.instances.problems == {200: "no VXLAN device with this VNI"}
    assert known.kernel.writes == writes


def test_other_route_targets_are_announced_and_imported_at_once(known: Vtep) -> None:
    reload(known, CONFIGURATION.replace("vni: 100", "vni: 100, route-targets: {import: [1:1], export: [2:2]}"))

    assert known.kernel.tunnel == {}
    assert known.kernel.flood == {}
    assert our_macs(known) == {M2: 0}
    targets = {target for route in known.announcements().values() for target in route.attributes.route_targets}
    assert targets == {bytes.fromhex("0002000200000002")}


def test_another_rd_leaves_no_route_of_the_old_one(known: Vtep) -> None:
    before = set(known.announcements())

    reload(known, CONFIGURATION.replace("vni: 100", 'vni: 100, rd: "10.0.0.10:7"'))

    assert len(known.announcements()) == 2
    assert not before & set(known.announcements())


def test_nothing_is_left_of_a_vni_that_goes_for_a_collector_that_looks_at_nothing(known: Vtep) -> None:
    core = known.core
    domain, segment = core.fabric.domains[Vni(100)], core.dataplane.segments[Vni(100)]
    of_it = [ref(one) for one in (domain, domain.addresses, segment)]
    del domain, segment

    gc.disable()
    try:
        reload(known, CONFIGURATION.replace("{vni: 100}", "{vni: 200}"))
        left = [one() for one in of_it]
    finally:
        gc.enable()

    assert left == [None, None, None]


def test_another_neighbor_is_told_everything(known: Vtep) -> None:
    known.speaker.routes["10.0.0.253"] = {}
    reload(known, CONFIGURATION.replace("10.0.0.252", "10.0.0.253"))

    known.peer_up("10.0.0.253")
    known.settle()

    assert known.announcements("10.0.0.253") == known.announcements(RR1)
    assert list(known.core.peers.peers) == [RR1, "10.0.0.253"]


def test_a_neighbor_of_another_as_is_another_neighbor() -> None:
    core = a_core()
    core.peers.peers[RR1].updates = 7

    configure(core, settings(CONFIGURATION.replace("10.0.0.251", "10.0.0.251, peer-as: 65009")), 1.0)

    assert (core.peers.peers[RR1].updates, core.peers.peers[RR1].external) == (0, True)


# Discovery


def test_a_vxlan_device_in_a_bridge_is_served_without_being_named() -> None:
    vtep = Vtep(settings(DISCOVER))
    vtep.peer_up()
    tell(vtep, a_vtep(), a_mac(M1))

    assert vtep.core.instances.discovered == {100}
    assert vtep.kernel.tunnel[DEVICE, M1].where == VTEP2


@pytest.mark.parametrize("outside", [{"master": 0}, {"vni": 0, "external": True}])
def test_a_device_that_cannot_be_served_is_not_discovered(outside) -> None:
    kernel = FakeKernel(a_link(1, "br100", "bridge"), DEVICE_LINK._replace(**outside))

    assert Vtep(settings(DISCOVER), kernel).core.instances.served == {}


def test_discovery_can_be_switched_on_by_a_reload() -> None:
    vtep = Vtep(settings(CONFIGURATION.replace("vni: 100", "vni: 300")))

    reload(vtep, CONFIGURATION.replace("vni: 100", "vni: 300") + "discover: true\n")

    assert sorted(vtep.core.instances.served) == [100, 300]


def test_a_discovered_vni_ends_with_its_device_and_a_configured_one_waits_for_it() -> None:
    vtep = Vtep(settings(DISCOVER))
    vtep.kernel.remove_link(DEVICE)
    vtep.settle()
    assert vtep.core.instances.served == {}

    configured = Vtep(settings(BOTH))
    configured.kernel.remove_link(DEVICE)
    configured.settle()
    assert list(configured.core.instances.served) == [100]


def test_a_discovered_vni_that_is_configured_later_is_a_configured_one() -> None:
    vtep = Vtep(settings(DISCOVER))

    reload(vtep, BOTH)
    vtep.kernel.remove_link(DEVICE)
    vtep.settle()

    assert list(vtep.core.instances.served) == [100]


def test_a_configured_vni_that_is_no_longer_named_is_discovered(known: Vtep) -> None:
    reload(known, DISCOVER)

    assert known.core.instances.discovered == {100}
    assert our_macs(known) == {M2: 0}
    assert (DEVICE, M1) in known.kernel.tunnel
