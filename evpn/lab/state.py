"""What is up, in /run: one directory per lab, gone when the lab is down."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec

from evpn.files import replacing
from evpn.lab.errors import LabError
from evpn.lab.process import Process

STATE = Path("/run/evpn-lab")


class NodeState(msgspec.Struct, frozen=True):
    container: str
    process: Process
    env: dict[str, str]


class LabState(msgspec.Struct):
    """A lab that is being built or up; every node is written down before it may outlive us."""

    name: str
    topology: str
    complete: bool = False
    nodes: dict[str, NodeState] = {}

    @property
    def directory(self) -> Path:
        return STATE / self.name

    def node_directory(self, node: str) -> Path:
        return self.directory / node

    def node(self, name: str) -> NodeState:
        if name not in self.nodes:
            raise LabError(f"lab {self.name} has no node {name}: there are {', '.join(self.nodes)}")
        return self.nodes[name]


def claim(name: str, topology: Path) -> LabState:
    """The state of a lab about to be built; at most one of each name exists."""
    STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    try:
        (STATE / name).mkdir()
    except FileExistsError as error:
        raise LabError(f"lab {name} is up already, or half made: `evpn lab down {name}` removes it") from error
    state = LabState(name, str(topology))
    save(state)
    return state


def save(state: LabState) -> None:
    with replacing(state.directory / "state.json", 0o666) as stream:
        stream.write(msgspec.json.encode(state))


def load(name: str) -> LabState | None:
    """The state of lab NAME; None when it is down."""
    try:
        written = (STATE / name / "state.json").read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return LabState(name, "") if (STATE / name).is_dir() else None  # or taken down meanwhile
    return msgspec.json.decode(written, type=LabState)


def forget(state: LabState) -> None:
    shutil.rmtree(state.directory, ignore_errors=False)


def all_labs() -> Iterator[LabState]:
    for directory in sorted(STATE.iterdir()) if STATE.is_dir() else ():
        if (state := load(directory.name)) is not None:
            yield state
