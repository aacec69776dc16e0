"""The rules that `firewall: true` makes, by a real `nft`: for one agent, for several, and before there is any."""

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from evpn.agent import aside
from evpn.agent.firewall import LEVEL_CHECK, PAUSE, Firewall, remove
from evpn.config.errors import ConfigError
from evpn.config.render import render
from evpn.config.settings import Settings
from evpn.netlink import nft
from tests.agent.vtep import Vtep, a_mac, a_vtep, tell
from tests.builders import BRIDGE_LINK, DEVICE_LINK, LINKS, M1, settings
from tests.fakes import FakeKernel
from tests.namespaces import Namespace

from .conftest import until

pytestmark = pytest.mark.kernel

PORT = 4789


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the agent would not wait for on a busy machine, these tests do."""
    monkeypatch.setattr(aside, "PATIENCE", 10.0)


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace("nft") as made, made.entered():
        for source in (ONE, TWO, NOBODY):
            made.run("ip", "address", "add", source, "dev", "lo")
        yield made


def configured(run_dir: str = "/run/evpn", family: int = 4, **more: object) -> Settings:
    address, peer = ("10.0.0.10", "10.0.0.251") if family == 4 else ("2001:db8::10", "2001:db8::251")
    told = {"vtep-address": address, "router-id": "10.0.0.10", "local-as": 65000, "neighbors": [{"address": peer}]}
    return settings(json.dumps(told | {"run-dir": run_dir, "firewall": True} | (more or {"vnis": [{"vni": 100}]})))


def an_agent(wanted: Settings, *vteps: str, port: int = PORT) -> Firewall:
    """In sync, with a type 3 route of each of these VTEPs."""
    links = [BRIDGE_LINK, DEVICE_LINK._replace(port=port), *LINKS[2:]]
    vtep = Vtep(wanted, FakeKernel(*links))
    vtep.peer_up()
    tell(vtep, *(a_vtep(socket.inet_aton(one)) for one in vteps))
    firewall = Firewall(vtep.core)
    firewall.settle(0.0)
    return firewall


def heard(namespace: Namespace, sources: list[str], port: int = PORT) -> list[str]:
    """Whose packets to a UDP port get in."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        receiver.setblocking(False)
        for source in sources:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((source, 0))
                sender.sendto(source.encode(), ("127.0.0.1", port))
        found = []
        while True:
            try:
                found.append(receiver.recv(64).decode())
            except BlockingIOError:
                return found


def rules(namespace: Namespace, family: str = "ip") -> list[str]:
    told = json.loads(namespace.run("nft", "-j", "list", "chain", family, "evpn", "input"))["nftables"]
    return [entry["rule"]["comment"] for entry in told if "rule" in entry]


ONE, TWO, NOBODY = "10.0.0.2", "10.0.0.3", "10.0.0.4"


def test_who_is_named_gets_in_and_nobody_else(namespace: Namespace) -> None:
    an_agent(configured(), ONE, TWO)

    assert heard(namespace, [ONE, TWO, NOBODY]) == [ONE, TWO]
    assert heard(namespace, [NOBODY], port=5000) == [NOBODY]


def test_two_agents_of_one_family_let_in_what_either_knows(namespace: Namespace) -> None:
    first, second = configured("/run/evpn"), configured("/run/evpn-b")
    an_agent(first, ONE)
    an_agent(second, TWO)
    assert heard(namespace, [ONE, TWO, NOBODY]) == [ONE, TWO]

    remove(first)
    assert heard(namespace, [ONE, TWO, NOBODY]) == [TWO]
    remove(second)
    assert heard(namespace, [ONE, TWO, NOBODY]) == [ONE, TWO, NOBODY]
    assert "evpn" not in namespace.run("nft", "list", "ruleset")


def test_agents_of_two_families_do_not_know_of_each_other(namespace: Namespace) -> None:
    an_agent(configured(), ONE)
    an_agent(configured("/run/evpn6", family=6))
    remove(configured())

    assert rules(namespace, "ip6") == ["run_evpn6"] * 2
    assert heard(namespace, [ONE, NOBODY]) == [ONE, NOBODY]


def test_the_port_of_a_device_that_others_have_made_is_filtered_as_well(namespace: Namespace) -> None:
    an_agent(configured(discover=True), ONE, port=8472)

    assert heard(namespace, [ONE, NOBODY], port=8472) == [ONE]
    assert heard(namespace, [NOBODY]) == []


@pytest.mark.parametrize("strategy", ["static-l2", "static-l3"])
def test_who_has_rows_of_an_earlier_agent_gets_in_until_the_routes_are_known(
    namespace: Namespace, strategy: str
) -> None:
    wanted = configured(vnis=[{"vni": 100, "strategy": strategy}])
    device = DEVICE_LINK._replace(port=PORT, proxy=strategy == "static-l3")
    before = Vtep(wanted, FakeKernel(BRIDGE_LINK, device, *LINKS[2:]))
    before.peer_up()
    tell(before, a_vtep(socket.inet_aton(ONE)), a_mac(M1, socket.inet_aton(ONE)))
    after = Vtep(wanted, before.kernel)
    after.settle()
    firewall = Firewall(after.core)
    firewall.settle(0.0)
    assert heard(namespace, [ONE, NOBODY]) == [ONE]

    after.peer_up()
    tell(after, bytes.fromhex("00000006800f03001946"))
    firewall.settle(1.0)
    assert heard(namespace, [ONE, NOBODY]) == []


def load(namespace: Namespace, wanted: Settings, tmp_path: Path) -> None:
    file = tmp_path / "evpn.nft"
    file.write_text(render("nftables", wanted))
    namespace.run("nft", "-f", str(file))


@pytest.mark.parametrize("family", [4, 6])
def test_the_template_is_what_an_agent_makes(namespace: Namespace, tmp_path: Path, family: int) -> None:
    wanted = configured(family=family)
    load(namespace, wanted, tmp_path)
    rendered = namespace.run("nft", "-s", "list", "ruleset")
    namespace.run("nft", "flush", "ruleset")
    an_agent(wanted)

    assert namespace.run("nft", "-s", "list", "ruleset") == rendered


def test_there_is_none_without_an_agent_that_looks_after_it() -> None:
    with pytest.raises(ConfigError, match="no firewall: true in the configuration"):
        render("nftables", configured(firewall=False, vnis=[{"vni": 100}]))


def test_the_template_lets_nobody_in_and_the_agent_goes_on_from_there(namespace: Namespace, tmp_path: Path) -> None:
    wanted = configured()
    load(namespace, wanted, tmp_path)
    assert heard(namespace, [ONE]) == []

    firewall = an_agent(wanted, ONE)
    assert heard(namespace, [ONE, NOBODY]) == [ONE]
    load(namespace, wanted, tmp_path)
    assert heard(namespace, [ONE, NOBODY]) == [ONE]
    assert len(rules(namespace)) == 4

    firewall.settle(LEVEL_CHECK)
    assert heard(namespace, [ONE, NOBODY]) == [ONE]
    assert len(rules(namespace)) == 2


def test_rules_that_are_flushed_or_changed_come_back_with_the_next_look(namespace: Namespace) -> None:
    firewall, now = an_agent(configured(), ONE), 0.0
    for line in (
        "flush ruleset",
        "flush chain ip evpn input",
        "flush set ip evpn vteps_run_evpn",
        "flush set ip evpn ports_run_evpn",
    ):
        namespace.run("nft", *line.split())
        now += LEVEL_CHECK
        firewall.settle(now)
        assert heard(namespace, [ONE, NOBODY]) == [ONE], line


def test_a_program_that_hangs_is_not_waited_for_and_started_once_a_minute(
    namespace: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = tmp_path / "nft"
    hanging.write_text("#!/bin/sh\nexec sleep 30\n")
    hanging.chmod(0o755)
    monkeypatch.setattr(nft, "_TIMEOUT", 1.0)
    monkeypatch.setattr(aside, "PATIENCE", 0.0)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    firewall = an_agent(configured(), ONE)
    assert firewall.next_due() == PAUSE

    until(lambda: firewall.next_due() != PAUSE)
    assert firewall.next_due() == 60.0
