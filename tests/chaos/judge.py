"""Is everything as it should be? Told by `bridge` and `ip`, by where the hosts really are, and by pings.

Nothing of ours is asked or used, but `evpn diff` at last: it has to say the same.
"""

import json
import subprocess
from typing import Any

from tests.chaos.guest import Guest
from tests.chaos.plan import VNIS, VTEPS
from tests.chaos.world import World, tries
from tests.interop.fabric import EVPN, FLOOD, address
from tests.interop.frr import Namespace

Row = dict[str, Any]


def wrong_rows(world: World) -> list[str]:
    """What the kernels hold that is not so, and what they lack: one line for each."""
    return [complaint for vtep in VTEPS for vni in VNIS for complaint in _wrong_in(world, vtep, vni)]


def unreached(world: World) -> list[str]:
    """Hosts that do not answer others of their VNI, by which of their addresses."""
    asked = {one: one.unreached([other for other in _hosts(world, one.vni) if other is not one]) for one in _all(world)}
    return [f"{one.ip} does not reach {ip}" for one, ping in asked.items() for ip in ping.communicate()[0].split()]


def differences(world: World) -> list[str]:
    """What `evpn diff --exit-code` says of each VTEP, where its exit code is not 0."""
    complaints = []
    for number, vtep in world.vteps.items():
        command = vtep.namespace.command(EVPN, "diff", "--exit-code", "--config", str(vtep.config))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            complaints.append(f"evpn diff on {number}: {done.returncode}\n{done.stdout}{done.stderr}")
    return complaints


def faults_of_ours(world: World) -> list[str]:
    """Exceptions that nobody caught: an agent that is started again would hide them."""
    return [f"a traceback in the log of {number}" for number, vtep in world.vteps.items() if "Traceback" in vtep.log()]


def _wrong_in(world: World, vtep: int, vni: int) -> list[str]:
    node, device, bridge = world.nodes[vtep], f"vxlan{vni}", f"br{vni}"
    here = [guest for guest in _hosts(world, vni) if world.where[guest.number] == vtep]
    elsewhere = [guest for guest in _hosts(world, vni) if guest not in here]
    far = {mac: {address(number)} for mac, number in world.far.macs.items()} if vni == VNIS[0] else {}
    flood = {address(number) for number in VTEPS if number != vtep}
    flood |= {address(number) for number in world.far.vteps} if vni == VNIS[0] else set()
    remote = {guest.mac: {address(world.where[guest.number])} for guest in elsewhere} | far

    fdb = _json(node, "bridge -j fdb show")
    tunnel: dict[str, set[str]] = {}
    for row in fdb:
        if row["ifname"] == device and "dst" in row:
            tunnel.setdefault(row["mac"], set()).add(row["dst"])
    in_bridge: dict[str, set[str]] = {}
    for row in fdb:
        if row.get("master") == bridge and row["state"] != "permanent" and "dst" not in row:
            in_bridge.setdefault(row["mac"], set()).add(row["ifname"])
    neighbors = {
        row["dst"]: {row.get("lladdr", "")}
        for family in (4, 6)
        for row in _json(node, f"ip -{family} -j neigh show dev {bridge} proto bgp")
    }
    on_port = {guest.mac: {guest.port} for guest in here}
    addresses = {ip: {guest.mac} for guest in elsewhere for ip in (guest.ip, guest.ip6)}
    name = f"vtep {vtep}: {device}:"
    return [
        *_compared(f"{name} flood rows", {FLOOD: tunnel.pop(FLOOD, set())}, {FLOOD: flood}),
        *_compared(f"{name} rows of the device", tunnel, remote),
        *_compared(f"{name} rows of the bridge", in_bridge, on_port | {mac: {device} for mac in remote}),
        *_compared(f"{name} neighbors", neighbors, addresses),
    ]


def _compared(what: str, found: dict[str, set[str]], wanted: dict[str, set[str]]) -> list[str]:
    return [
        f"{what}: {key} is {_words(found.get(key))}, should be {_words(wanted.get(key))}"
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]


def _words(values: set[str] | None) -> str:
    return " and ".join(sorted(values)) if values else "absent"


def _json(node: Namespace, command: str) -> list[Row]:
    rows: list[Row] = json.loads(tries(node, command) or "[]")
    return rows


def _all(world: World) -> list[Guest]:
    return list(world.guests.values())


def _hosts(world: World, vni: int) -> list[Guest]:
    return [guest for guest in world.guests.values() if guest.vni == vni]
