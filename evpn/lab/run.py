"""A lab up and down: nodes, then links, then the nodes' commands, then their `exec` lines, in containerlab's order."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from evpn.lab import node as nodes
from evpn.lab.errors import LabError
from evpn.lab.images import stand_in
from evpn.lab.process import Process, kill
from evpn.lab.state import LabState, NodeState, claim, forget, load, save
from evpn.lab.topology import Endpoint, Link, Node, Topology

Tell = Callable[[str], None]
_TOOLS = {"ip": "iproute2", "nsenter": "util-linux", "pivot_root": "util-linux"}


def up(topology: Topology, tell: Tell) -> LabState:
    """Build the lab; whatever stops that, an interrupt included, nothing of it is left."""
    check(topology)
    state = claim(topology.name, topology.file)
    try:
        _build(topology, state, tell)
    except BaseException:
        _remove(state)
        raise
    return state


def down(name: str) -> bool:
    """Remove lab NAME, complete or not; False when there was none."""
    require_root()
    state = load(name)
    if state is None:
        return False
    _remove(state)
    return True


def check(topology: Topology) -> None:
    """All that can be known before anything is made."""
    require_root()
    for tool, package in _TOOLS.items():
        _require(shutil.which(tool) is not None, f"the command {tool} is missing", package)
    for node in topology.nodes:
        for bind in node.binds:
            if not bind.source.exists():
                raise LabError(f"{topology.file}: node {node.name} binds {bind.source}, which does not exist")
        image = stand_in(node.image)
        for file in () if node.command else image.needs:
            _require(Path(file).exists(), f"node {node.name} (image {node.image}) needs {file}", image.package)


def require_root() -> None:
    if os.geteuid() != 0:
        raise LabError("a lab is made of namespaces: this needs root")


def run_in(state: LabState, name: str, command: Sequence[str], timeout: float | None = None) -> nodes.Result:
    """Run COMMAND in a node of a lab that is up."""
    node = state.node(name)
    return nodes.execute(node.process, node.env, command, timeout)


def run_here(state: LabState, command: Sequence[str], timeout: float | None = None) -> nodes.Result:
    """Run COMMAND on this machine, in the lab's directory; it finds the lab's name in $LAB."""
    env = dict(os.environ) | {"LAB": state.name, "PATH": nodes.search_path()}
    return nodes.collect(command, env, timeout, Path(state.topology).parent)


def _require(present: bool, problem: str, package: str) -> None:
    if not present:
        raise LabError(f"{problem}: apt-get install {package}")


def _build(topology: Topology, state: LabState, tell: Tell) -> None:
    tell(f"nodes: {', '.join(node.name for node in topology.nodes)}")
    building: dict[str, nodes.Building] = {}
    try:
        for node in topology.nodes:
            directory = state.node_directory(node.name)
            building[node.name] = nodes.launch(node, directory)
            process = building[node.name].process
            state.nodes[node.name] = NodeState(node.container, process, nodes.environment(node))
            save(state)
        for node in topology.nodes:
            nodes.wait_until_ready(node.name, building[node.name], state.node_directory(node.name))
            nodes.publish(node.container, building[node.name].process)
        _connect(topology, state, tell)
        for node in topology.nodes:
            time.sleep(node.startup_delay)
            nodes.start(building.pop(node.name))
    finally:
        for waiting in building.values():
            nodes.abandon(waiting)
    for node in topology.nodes:
        _run_exec(node, state, tell)
    state.complete = True
    save(state)


def _connect(topology: Topology, state: LabState, tell: Tell) -> None:
    for link in topology.links:
        tell("link: " + " -- ".join(f"{end.node}:{end.interface}" for end in link.ends) + f", mtu {link.mtu}")
        processes = [state.node(end.node).process for end in link.ends]
        _ip(*_veth(link, processes), what=f"link {link.ends[0].node}:{link.ends[0].interface}")
        for end in link.ends:
            _set_up(end, state)


def _veth(link: Link, processes: Sequence[Process]) -> list[str]:
    """Both ends made where they belong, under their final names: nothing to clean up in this namespace."""
    sides = []
    for end, process in zip(link.ends, processes, strict=True):
        mac = ["address", end.mac] if end.mac else []
        sides.append(["name", end.interface, "mtu", str(link.mtu), *mac, "netns", str(process.pid)])
    return ["link", "add", *sides[0], "type", "veth", "peer", *sides[1]]


def _set_up(end: Endpoint, state: LabState) -> None:
    place, what = state.node(end.node).container, f"interface {end.node}:{end.interface}"
    for address in end.addresses:
        _ip("-n", place, "address", "add", address, "dev", end.interface, what=what)
    _ip("-n", place, "link", "set", end.interface, "up", what=what)


def _ip(*arguments: str, what: str) -> None:
    result = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise LabError(f"{what}: {result.stderr.strip()}")


def _run_exec(node: Node, state: LabState, tell: Tell) -> None:
    """Unlike containerlab, which only logs it, a line that fails fails the lab."""
    for line in node.exec:
        tell(f"{node.name}: {line}")
        try:
            command = shlex.split(line)
        except ValueError as error:
            raise LabError(f"node {node.name}: exec {line!r}: {error}") from error
        result = run_in(state, node.name, command)
        if result.status:
            raise LabError(
                f"node {node.name}: exec {line!r} ended with status {result.status}\n{result.output.rstrip()}"
            )


def _remove(state: LabState) -> None:
    for name, node in state.nodes.items():
        nodes.withdraw(node.container, node.process)
        if not kill(node.process):
            raise LabError(f"lab {state.name}: node {name} (process {node.process.pid}) does not end")
    forget(state)
