"""The fabric of the chaos test, what it should be at the end, and whoever looks after it meanwhile.

Namespaces are called by numbers: VTEPs 11 to 14, reflectors 1 and 2, a speaker of thousands of routes 20.
"""

import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import click

from tests.chaos.far import Far
from tests.chaos.guest import Guest
from tests.chaos.plan import GUESTS, HOME, REFLECTORS, VNIS, VTEPS, vni_of
from tests.interop.fabric import EVPN, Fabric, Vtep, address, with_pid
from tests.interop.frr import Frr, Namespace, until

_SPEAKER = 20
_HOLD = {13: 6, 14: 6}
"""Seconds that these VTEPs keep rows without any session; the others keep them longer than anything lasts."""
_LIMITS = {12: {"max-remote-macs": 1500}, 13: {"max-macs": 800}}
"""Of the first VNI on these VTEPs; crowds and floods are larger, what there is at the end is not."""
_MAX_ROUTES = {14: 2500}
_RESTART_AFTER = 1.0
"""Seconds after which a service manager starts again what has ended."""
_SHOWN = ("summary", "peers", "vni", "mac", "neigh", "flood", "rib", "local", "events")
_HELD = (
    ("links", "ip -d link"),
    ("fdb", "bridge fdb"),
    ("neighbors", "ip neigh; ip -6 neigh"),
)


class World:
    def __init__(self) -> None:
        self.vteps: dict[int, Vtep] = {}
        self.reflectors: dict[int, Frr] = {}
        self.guests: dict[int, Guest] = {}
        self.where = dict(HOME)
        self.frozen: dict[int, int] = {}
        """VTEP -> process that is stopped."""
        self.down: set[int] = set()
        """VTEPs that are not to be started again before their time."""
        self.killed: set[int] = set()
        """Reflectors without bgpd."""
        self.expected: set[tuple[int, int]] = set()
        """VTEPs and guests that they were told of."""
        self.crowds: dict[int, Namespace] = {}
        self.nodes: dict[int, Namespace] = {}
        self.switch = Namespace("chaos-lan")
        """That of the fabric, by its name."""
        self._ended: dict[int, float] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self.fabric = stack.enter_context(Fabric("chaos"))
            for number in VTEPS:
                vtep = self.fabric.vtep(number, hold_on_session_loss=_HOLD.get(number))
                self.vteps[number], self.nodes[number] = vtep, vtep.namespace
                self.as_before(number)
                self.crowds[number] = stack.enter_context(Namespace(f"chaos-crowd{number}"))
            for number in REFLECTORS:
                frr = self.fabric.reflector(number, self.vteps[VTEPS[0]], clients=(*VTEPS, _SPEAKER))
                self.reflectors[number], self.nodes[number] = frr, frr.namespace
            self.far = Far(self.fabric.node(_SPEAKER), address(_SPEAKER), list(map(address, REFLECTORS)))
            stack.callback(self.far.close)
            self.far.start()
            for vtep in self.vteps.values():
                vtep.start(wait=False)
            for number in GUESTS:
                node = stack.enter_context(Namespace(f"chaos-h{number}"))
                node.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0")
                self.guests[number] = Guest(node, number, vni_of(number))
            for vtep in self.vteps.values():
                until(vtep.answers, 60)
            for number, vtep_number in HOME.items():
                self.guests[number].plug(self.vteps[vtep_number].namespace)
                self.plug(number)
            until(lambda: self.far.complete)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for vtep in list(self.frozen):
            self.thaw(vtep)
        self._stack.close()

    def vnis(self, vtep: int, strategy: str = "static-l2") -> list[dict[str, Any]]:
        """Of the configuration; `strategy` is the second one's."""
        return [{"vni": VNIS[0], **_LIMITS.get(vtep, {})}, {"vni": VNIS[1], "strategy": strategy}]

    def neighbors(self, vtep: int) -> list[dict[str, Any]]:
        limit = {"max-routes": _MAX_ROUTES[vtep]} if vtep in _MAX_ROUTES else {}
        return [{"address": address(number), "hold-time": 9, **limit} for number in REFLECTORS]

    def as_before(self, vtep: int) -> None:
        """The file is again as it was at first."""
        self.vteps[vtep].configure(vnis=self.vnis(vtep), neighbors=self.neighbors(vtep))

    def at(self, guest: int) -> Vtep:
        return self.vteps[self.where[guest]]

    def plug(self, guest: int) -> str:
        """Put its port into its bridge, as what starts virtual machines does; what was said to it."""
        one = self.guests[guest]
        return tries(self.at(guest).namespace, f"ip link set {one.port} master br{one.vni} up")

    def forget(self, vtep: int, guest: int) -> str:
        """What `expect` told; it says so when the agent knows nothing of it, for it was started again."""
        one = self.guests[guest]
        return self.evpn(vtep, f"host del --vni {one.vni} --mac {one.mac}")

    def evpn(self, vtep: int, command: str) -> str:
        """An operator gives up when the agent does not answer for two seconds."""
        return tries(self.nodes[vtep], f"timeout 2 {EVPN} {command} --run-dir {self.vteps[vtep].run_dir}")

    def reload(self, vtep: int) -> None:
        """As SIGHUP does, with whatever is in the file."""
        process = self.vteps[vtep].process
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGHUP)

    def thaw(self, vtep: int) -> None:
        with_pid(self.frozen.pop(vtep, 0) or 1 << 30, signal.SIGCONT)

    def start(self, vtep: int) -> None:
        self.down.discard(vtep)
        process = self.vteps[vtep].process
        if process is None or process.poll() is not None:
            self.vteps[vtep].start(wait=False)

    def look_after(self) -> None:
        """What a service manager does."""
        now = time.monotonic()
        for number, vtep in self.vteps.items():
            if number in self.down or vtep.process is None or vtep.process.poll() is None:
                self._ended.pop(number, None)
            elif now - self._ended.setdefault(number, now) > _RESTART_AFTER:
                self.start(number)

    def quiet(self) -> None:
        """Nothing is broken from now on, and every file is as it was at first."""
        for number in VTEPS:
            self.thaw(number)
            self.start(number)
        for number in sorted(self.killed):
            self.reflectors[number].revive("bgpd")
        self.killed.clear()
        for crowd in self.crowds.values():
            tries(crowd, "ip link del eth0")
        for number, node in self.nodes.items():
            node.run("ip", "link", "set", "eth0", "up")
            tries(node, f"ip address add {address(number)}/24 dev eth0")
            self.switch.run("ip", "link", "set", f"port{number}", "up")
        for one in self.guests.values():
            one.remove_old_ports()
        for number in VTEPS:
            self.as_before(number)
            until(lambda number=number: self._is_mended(number), 60, every=1)  # type: ignore[misc]
        for number, guest in self.expected:
            self.forget(number, guest)
        self.expected.clear()
        for guest in GUESTS:
            self.plug(guest)
        until(lambda: self.far.complete, 60)

    def speak(self) -> None:
        for guest in self.guests.values():
            guest.speak()

    def keep(self, directory: Path) -> None:
        """Logs of all, and what agents and kernels hold."""
        for number, vtep in self.vteps.items():
            target = directory / f"vtep{number}"
            target.mkdir(parents=True)
            for file in (vtep.log_file, vtep.config):
                shutil.copy(file, target)
            said = [(f"show-{what}", f"{EVPN} show {what} --config {vtep.config}") for what in _SHOWN]
            for name, command in (*said, *_HELD):
                (target / name).write_text(tries(vtep.namespace, command))
        for number, one in self.guests.items():
            (directory / f"host{number}").write_text(tries(one.namespace, "ip address; ip neigh; ip -6 neigh"))
        for number, frr in self.reflectors.items():
            target = directory / f"reflector{number}"
            target.mkdir()
            (target / "log").write_text(frr.log())
            for name, command in (("peers", "summary"), ("routes", "route")):
                asked = f"vtysh --vty_socket {frr.directory} -c 'show bgp l2vpn evpn {command}'"
                (target / name).write_text(tries(frr.namespace, asked))

    def _is_mended(self, number: int) -> bool:
        """Devices made, plugged in and up, as an operator would by hand, and the agent serves them."""
        vtep = self.vteps[number]
        self.look_after()
        for vni in VNIS:
            tries(vtep.namespace, f"ip link set br{vni} up; ip link set vxlan{vni} master br{vni} up")
        try:
            served = {row["vni"]: row["strategy"] for row in vtep.show("vni") if row["state"].startswith("served")}
            if set(vtep.peers()) == set(map(address, REFLECTORS)) and served == dict.fromkeys(VNIS, "static-l2"):
                return True
        except click.ClickException:
            return False
        self.reload(number)
        return False


def tries(node: Namespace, script: str) -> str:
    """What a shell says to commands that may well fail."""
    command = node.command("sh", "-c", script)
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60)
    return done.stdout
