"""What the steps of a plan do. Anything may be missing when its time comes: what cannot be done is left."""

import signal
import socket
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from evpn.text import parse_mac
from tests.chaos.guest import addresses
from tests.chaos.plan import VNIS, Step, vni_of
from tests.chaos.world import World, tries
from tests.interop.fabric import FLOOD, address, command_line, mac, with_pid
from tests.interop.raw_peer import socket_in

_HEADER_END = bytes.fromhex("88b5") + bytes(46)
_EVERYBODY = b"\xff" * 6
_CROWD = "02:00:00:0c"


def apply(world: World, step: Step) -> str:
    """What the commands have said: mostly nothing."""
    return " ".join((STEPS[step.what](world, *step.arguments) or "").split())


# Processes


def kill_agent(world: World, vtep: int) -> None:
    for pid in agents(world, vtep):
        with_pid(pid, signal.SIGKILL)


def kill_exabgp(world: World, vtep: int) -> None:
    """It is not started again before its time."""
    world.down.add(vtep)
    process = world.vteps[vtep].process
    assert process is not None
    process.kill()
    world.thaw(vtep)
    process.wait()


def stop(world: World, vtep: int) -> None:
    world.down.add(vtep)
    world.thaw(vtep)
    process = world.vteps[vtep].process
    assert process is not None
    process.terminate()


def start(world: World, vtep: int) -> None:
    """Once the one before has ended, if it was told to."""
    process = world.vteps[vtep].process
    if process is not None and vtep in world.down:
        with suppress(subprocess.TimeoutExpired):
            process.wait(10)
    world.start(vtep)


def freeze(world: World, vtep: int, which: str) -> None:
    """Stopped, as a machine without memory or a debugger does it; one process of a VTEP at a time."""
    process = world.vteps[vtep].process
    world.thaw(vtep)
    pids = agents(world, vtep) if which == "agent" else [process.pid] if process and process.poll() is None else []
    for pid in pids[:1]:
        world.frozen[vtep] = pid
        with_pid(pid, signal.SIGSTOP)


def thaw(world: World, vtep: int) -> None:
    world.thaw(vtep)


def kill_bgpd(world: World, reflector: int) -> None:
    if reflector not in world.killed:
        world.killed.add(reflector)
        world.reflectors[reflector].kill("bgpd")


def start_bgpd(world: World, reflector: int) -> None:
    if reflector in world.killed:
        world.killed.remove(reflector)
        world.reflectors[reflector].revive("bgpd")


# Sessions


def clear_session(world: World, reflector: int, vtep: int, how: str) -> str:
    own = world.reflectors[reflector].directory
    return tries(world.nodes[reflector], f"vtysh --vty_socket {own} -c 'clear bgp l2vpn evpn {address(vtep)} {how}'")


def cable(world: World, node: int, end: str, to: str) -> None:
    if end == "own":
        world.nodes[node].run("ip", "link", "set", "eth0", to)
    else:
        world.switch.run("ip", "link", "set", f"port{node}", to)


def remove_address(world: World, vtep: int) -> str:
    return tries(world.nodes[vtep], f"ip address del {address(vtep)}/24 dev eth0")


def add_address(world: World, vtep: int) -> str:
    return tries(world.nodes[vtep], f"ip address add {address(vtep)}/24 dev eth0")


# Rows


def delete_row(world: World, vtep: int, guest: int, where: str) -> str:
    command = f"bridge fdb del {mac(guest)} dev vxlan{vni_of(guest)}"
    halves = ("self", "master") if where == "both" else (where,)
    return tries(world.nodes[vtep], "; ".join(f"{command} {half}" for half in halves))


def point_elsewhere(world: World, vtep: int, guest: int, to: int) -> str:
    device = f"vxlan{vni_of(guest)}"
    return tries(
        world.nodes[vtep], f"bridge fdb replace {mac(guest)} dev {device} dst {address(to)} self dynamic extern_learn"
    )


def delete_flood_row(world: World, vtep: int, vni: int, to: int) -> str:
    return tries(world.nodes[vtep], f"bridge fdb del {FLOOD} dev vxlan{vni} dst {address(to)} self")


def flush_rows(world: World, vtep: int, vni: int, which: str) -> str:
    if which == "device":
        return tries(world.nodes[vtep], f"bridge fdb flush dev vxlan{vni}")
    return tries(world.nodes[vtep], f"ip link set br{vni} type bridge fdb_flush")


def delete_neighbor(world: World, vtep: int, number: int, family: int) -> str:
    """Of an address, whoever has it now."""
    return tries(world.nodes[vtep], f"ip neigh del {addresses(number)[family == 6]} dev br{vni_of(number)}")


def flush_neighbors(world: World, vtep: int, vni: int) -> str:
    return tries(world.nodes[vtep], f"ip neigh flush dev br{vni} nud all; ip -6 neigh flush dev br{vni} nud all")


def add_static_row(world: World, vtep: int, guest: int, to: int) -> str:
    return tries(
        world.nodes[vtep], f"bridge fdb replace {mac(guest)} dev vxlan{vni_of(guest)} dst {address(to)} self static"
    )


def add_static_neighbor(world: World, vtep: int, number: int, other: int, state: str) -> str:
    entry = f"{addresses(number)[0]} lladdr {mac(other)} dev br{vni_of(number)} nud {state}"
    return tries(world.nodes[vtep], f"ip neigh replace {entry}")


# Devices


def remove_device(world: World, vtep: int, device: str) -> str:
    return tries(world.nodes[vtep], f"ip link del {device}")


def reload(world: World, vtep: int) -> None:
    """What was removed is made again; ports that have lost their bridge are plugged in once there is one."""
    world.reload(vtep)


def set_device(world: World, vtep: int, device: str, to: str) -> str:
    return tries(world.nodes[vtep], f"ip link set {device} {to}")


def unplug_device(world: World, vtep: int, vni: int) -> str:
    return tries(world.nodes[vtep], f"ip link set vxlan{vni} nomaster")


def plug_device(world: World, vtep: int, vni: int) -> str:
    return tries(world.nodes[vtep], f"ip link set vxlan{vni} master br{vni} up")


def change_flags(world: World, vtep: int, vni: int) -> str:
    return tries(world.nodes[vtep], f"bridge link set dev vxlan{vni} learning on neigh_suppress off")


# Ports and hosts


def port_down(world: World, guest: int) -> str:
    return tries(world.at(guest).namespace, f"ip link set {world.guests[guest].port} down")


def port_elsewhere(world: World, guest: int, vni: str | int) -> str:
    port = world.guests[guest].port
    to = "nomaster" if vni == "none" else f"master br{vni}"
    said = tries(world.at(guest).namespace, f"ip link set {port} {to}")
    world.guests[guest].speak()
    return said


def port_back(world: World, guest: int) -> str:
    said = world.plug(guest)
    world.guests[guest].speak()
    return said


def move(world: World, guest: int, to: int) -> str:
    return _plugged(world, guest, to, leave=True)


def migrate(world: World, guest: int, to: int) -> str:
    return _plugged(world, guest, to, leave=False)


def remove_old_port(world: World, guest: int) -> None:
    world.guests[guest].remove_old_ports()


def impersonate(world: World, liar: int, guest: int) -> None:
    """A frame with the MAC of another one."""
    one = world.guests[liar]
    with socket_in(one.namespace, socket.AF_PACKET, socket.SOCK_RAW) as port:
        port.bind((one.device, 0))
        port.send(_EVERYBODY + parse_mac(mac(guest)) + _HEADER_END)


def swap_addresses(world: World, one: int, other: int) -> None:
    world.guests[one].swap_addresses(world.guests[other])


def expect(world: World, vtep: int, guest: int, sticky: str) -> str:
    one = world.guests[guest]
    world.expected.add((vtep, guest))
    return world.evpn(vtep, f"host add --vni {one.vni} --mac {one.mac} --ip {one.ip} {sticky}")


def expect_no_more(world: World, vtep: int, guest: int) -> str:
    return world.forget(vtep, guest)


def crowd_comes(world: World, vtep: int, count: int) -> str:
    """So many hosts behind a port of the first VNI, all of which speak at once."""
    crowd, node = world.crowds[vtep], world.nodes[vtep]
    tries(crowd, "ip link del eth0")
    crowd.run("ip", "link", "add", "eth0", "up", "type", "veth", "peer", "name", "crowd", "netns", node.name)
    said = tries(node, f"ip link set crowd master br{VNIS[0]} up")
    with socket_in(crowd, socket.AF_PACKET, socket.SOCK_RAW) as port, suppress(OSError):
        port.bind(("eth0", 0))
        for number in range(count):
            port.send(_EVERYBODY + parse_mac(f"{_CROWD}:{number >> 8:02x}:{number & 255:02x}") + _HEADER_END)
    return said


def crowd_goes(world: World, vtep: int) -> str:
    return tries(world.crowds[vtep], "ip link del eth0")


def talk(world: World, guest: int, other: int) -> None:
    world.guests[guest].talk(world.guests[other])


# Routes


def announce_many(world: World, vtep: int, count: int, seed: int) -> None:
    world.far.announce(vtep, count, seed)


def withdraw_many(world: World, seed: int) -> None:
    world.far.withdraw(seed)


def far_vtep(world: World, number: int, what: str) -> None:
    world.far.vtep(number, what == "comes")


# Configurations


def strategy(world: World, vtep: int, name: str) -> None:
    world.vteps[vtep].configure(vnis=world.vnis(vtep, name))
    world.reload(vtep)


def without_vni(world: World, vtep: int) -> None:
    world.vteps[vtep].configure(vnis=world.vnis(vtep)[:1])
    world.reload(vtep)


def without_reflector(world: World, vtep: int, reflector: int) -> None:
    left = [row for row in world.neighbors(vtep) if row["address"] != address(reflector)]
    world.vteps[vtep].configure(neighbors=left)
    world.reload(vtep)


def as_before(world: World, vtep: int) -> None:
    world.as_before(vtep)
    world.reload(vtep)


def wrong_file(world: World, vtep: int) -> None:
    world.vteps[vtep].configure(vnis=[*world.vnis(vtep), {"vni": 100, "strategie": "static-l2"}])
    world.reload(vtep)


def refresh(world: World, vtep: int) -> str:
    return world.evpn(vtep, "refresh")


def agents(world: World, vtep: int) -> list[int]:
    one = world.vteps[vtep]
    return [pid for pid in one.children() if b"\0plugin\0" in command_line(pid)] if one.process else []


def _plugged(world: World, guest: int, to: int, leave: bool) -> str:
    one, world.where[guest] = world.guests[guest], to
    one.plug(world.nodes[to], leave)
    said = world.plug(guest)
    one.speak()
    return said


_ALL: tuple[Callable[..., str | None], ...] = (
    *(kill_agent, kill_exabgp, stop, start, freeze, thaw, kill_bgpd, start_bgpd),
    *(clear_session, cable, remove_address, add_address),
    *(delete_row, point_elsewhere, delete_flood_row, flush_rows, delete_neighbor, flush_neighbors),
    *(add_static_row, add_static_neighbor),
    *(remove_device, reload, set_device, unplug_device, plug_device, change_flags),
    *(port_down, port_elsewhere, port_back, move, migrate, remove_old_port, impersonate, swap_addresses),
    *(expect, expect_no_more, crowd_comes, crowd_goes, talk),
    *(announce_many, withdraw_many, far_vtep),
    *(strategy, without_vni, without_reflector, as_before, wrong_file, refresh),
)
STEPS: dict[str, Callable[..., Any]] = {function.__name__: function for function in _ALL}
