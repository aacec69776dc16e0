"""A fabric in namespaces: reflectors and VTEPs on one underlay network, hosts behind the VTEPs.

    with Fabric("demo") as fabric:
        one = fabric.vtep(11, reflectors=("10.0.0.1",))
        h1 = fabric.host(one, 1)
        fabric.reflector(1, one, clients=(11,))
        one.start()

The underlay is 10.0.0.0/24, or 2001:db8::/64 with `family=6`; numbers are the ends of addresses. All processes started
through a fabric end with it, by their ids, and so do its namespaces and directories.
"""

import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .frr import DAEMONS, Frr, Namespace
from .gobgp import GoBgp, Neighbor
from .host import Host, say_until
from .underlay import UNDERLAYS, address, mac
from .view import View, same_update, sequence_of
from .vtep import EVPN, FLOOD, Row, Vtep
from .watch import Watch, command_line, stays, with_pid

__all__ = [  # all that a test about a fabric needs
    "EVPN",
    "FLOOD",
    "Fabric",
    "Host",
    "Row",
    "View",
    "Vtep",
    "Watch",
    "address",
    "command_line",
    "mac",
    "same_update",
    "say_until",
    "sequence_of",
    "stays",
    "with_pid",
]


class Fabric:
    """Owner of everything in it; `name` tells its namespaces from those of other fabrics of this process."""

    def __init__(self, name: str, frr: bool = True, family: int = 4) -> None:
        self.name = name
        self.underlay = UNDERLAYS[family]
        self._frr = frr
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        assert os.geteuid() == 0, "namespaces and devices are made: these tests need root"
        assert not self._frr or (DAEMONS / "bgpd").exists(), f"no {DAEMONS}/bgpd: these tests need Debian's frr"
        with ExitStack() as stack:
            self._switch = stack.enter_context(Namespace(f"{self.name}-lan"))
            self._switch.run("ip", "link", "add", "lan", "mtu", str(self.underlay.mtu), "type", "bridge")
            self._switch.run("ip", "link", "set", "lan", "up")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def node(self, number: int) -> Namespace:
        """A namespace on the underlay."""
        underlay = self.underlay
        node = self._stack.enter_context(Namespace(f"{self.name}-{number}"))
        self._cable(node, "eth0", f"port{number}", self._switch, underlay.mtu)
        own = f"{underlay.address(number)}/{underlay.length}"
        node.run("ip", "address", "add", own, "dev", "eth0", *underlay.options)
        self._switch.run("ip", "link", "set", f"port{number}", "master", "lan")
        return node

    def vtep(self, number: int, reflectors: tuple[str, ...] | None = None, **settings: Any) -> Vtep:
        """A node with a configuration for `evpn`; nothing runs yet. Underscores in keys stand for hyphens."""
        if reflectors is None:
            reflectors = (self.underlay.address(1),)
        directory = Path(tempfile.mkdtemp(prefix="evpn-test-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        vtep = Vtep(self.node(number), self.underlay.address(number), directory)
        self._stack.callback(vtep.kill)
        vtep.configure(
            vtep_address=vtep.address,
            router_id=None if vtep.address == address(number) else address(number),
            local_as=65000,
            neighbors=[{"address": one, "hold-time": 9} for one in reflectors],
            run_dir=str(directory / "run"),
            vnis=[{"vni": 100}],
        )
        vtep.configure(**settings)
        return vtep

    def host(self, vtep: Vtep, number: int, port: str = "tap1", ipv6: bool = False) -> Host:
        """A host on a port of a VTEP, which has to be put into a bridge: `ports` of the configuration does it."""
        node = self._stack.enter_context(Namespace(f"{self.name}-h{number}"))
        node.run("sysctl", "-qw", f"net.ipv6.conf.all.disable_ipv6={0 if ipv6 else 1}")
        self._cable(node, "eth0", port, vtep.namespace, 1500, mac(number))
        host = Host(node, number)
        node.run("ip", "address", "add", f"{host.ip}/24", "dev", "eth0")
        if ipv6:
            node.run("ip", "address", "add", f"{host.ip6}/64", "dev", "eth0", "nodad")
        return host

    def newcomer(self, vtep: Vtep, other: Vtep, number: int, bridge: str = "br100", ipv6: bool = False) -> Host:
        """A host on the port of its number, which speaks until the other VTEP sends to it."""
        host, device = self.host(vtep, number, f"tap{number}", ipv6), bridge.replace("br", "vxlan")
        vtep.plug(f"tap{number}", bridge)
        say_until(host, lambda: other.remote(host.mac, device) == {"bridge", vtep.address})
        return host

    def frr(self, node: Namespace, configuration: str) -> Frr:
        return self._stack.enter_context(Frr(node, configuration))

    def reflector(self, number: int, vtep: Vtep, clients: tuple[int, ...]) -> Frr:
        """FRR with what `evpn render frr-route-reflector` makes of the configuration of one of its clients."""
        return self.frr(self.node(number), self._rendered("frr-route-reflector", number, vtep, clients))

    def gobgp_reflector(self, number: int, vtep: Vtep, clients: tuple[int, ...]) -> GoBgp:
        """GoBGP with what `evpn render gobgp-route-reflector` makes of it, started as that says."""
        neighbors = [Neighbor(self.underlay.address(client)) for client in clients]
        gobgp = GoBgp(self.node(number), address(number), neighbors)
        gobgp.configuration = tomllib.loads(self._rendered("gobgp-route-reflector", number, vtep, clients))
        gobgp.options = ("--graceful-restart",)
        return self._stack.enter_context(gobgp)

    @contextmanager
    def watched(self, node: Namespace, *command: str) -> Iterator[Watch]:
        """A command that runs on a node meanwhile, and the lines that it says."""
        watch = Watch(node, *command)
        try:
            yield watch
        finally:
            watch.stop()

    def _rendered(self, template: str, number: int, vtep: Vtep, clients: tuple[int, ...]) -> str:
        told = [word for client in clients for word in ("--client", self.underlay.address(client))]
        own = self.underlay.address(number)
        return vtep.evpn("render", template, "--neighbor", own, *told, config=True)

    def _cable(self, a: Namespace, end_a: str, end_b: str, b: Namespace, mtu: int, mac: str = "") -> None:
        own_mac = ("address", mac) if mac else ()
        peer = ("peer", "name", end_b, "mtu", str(mtu), "netns", b.name)
        a.run("ip", "link", "add", end_a, "mtu", str(mtu), *own_mac, "type", "veth", *peer)
        a.run("ip", "link", "set", end_a, "up")
        b.run("ip", "link", "set", end_b, "up")
