"""Arrows point down, input and output stay in the shell, and nothing grows without end."""

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "evpn"
MODULES = {
    ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): file
    for file in sorted(PACKAGE.rglob("*.py"))
}

ROOMS = [
    "values",
    "text",
    "delta | packet | files",
    "wire",
    "rib",
    "evi",
    "dataplane",
    "netlink | exabgp | config",
    "agent | lab",
    "cli",
]
"""From the ground up; rooms of one floor do not know each other."""
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms.split(" | ")}

IMPURE = {
    "logging",
    "os",
    "pwd",
    "random",
    "select",
    "selectors",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
}
"""What reads a clock, a socket or the environment, or writes where the caller cannot see it."""
SHELL = {
    "evpn.netlink.socket",
    "evpn.netlink.background",
    "evpn.netlink.dump",
    "evpn.netlink.echo",  # only attaches it to a socket
    "evpn.netlink.inbox",
    "evpn.netlink.mmsg",
    "evpn.netlink.outbox",
    "evpn.netlink.links",
    "evpn.netlink.nft",
    "evpn.netlink.snoop",
    "evpn.netlink.capabilities",
    "evpn.exabgp.pipe",
    "evpn.files",
    "evpn.config.accepted",
    "evpn.config.load",
    "evpn.config.render",
    "evpn.config.environment",
}
MAY_USE = {"evpn.text": {"socket"}, "evpn.netlink.errors": {"os"}}  # inet_ntop and strerror are pure

MAX_FILE, LONG_FILE, MAX_FUNCTION = 400, 300, 40


def imported(module: str) -> Iterator[str]:
    """Every module imported in a file, inside of functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno} imports relatively; accepted: absolute imports"
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else str(node.module)


def imported_from_evpn(module: str) -> list[str]:
    return [name for name in imported(module) if name == "evpn" or name.startswith("evpn.")]


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("module", MODULES)
def test_imports_point_down(module: str) -> None:
    if not room(module):
        assert not imported_from_evpn(module)
        return
    for target in imported_from_evpn(module):
        sinks = FLOOR[room(target)] < FLOOR[room(module)]
        assert sinks or room(target) == room(module), f"{module} may not import {target}"


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("evpn.exabgp.extension")])
def test_what_runs_inside_exabgp_knows_nothing_of_the_agent(module: str) -> None:
    allowed = ("evpn.exabgp.extension", "evpn.wire", "evpn.text", "evpn.values")
    assert [name for name in imported_from_evpn(module) if not name.startswith(allowed)] == []


@pytest.mark.parametrize(
    "module",
    [
        module
        for module in MODULES
        if FLOOR.get(room(module), 0) < FLOOR["agent"]
        and module not in SHELL
        and not module.startswith("evpn.exabgp.extension")
    ],
)
def test_below_the_agent_nothing_reads_a_clock_a_socket_or_the_environment(module: str) -> None:
    used = {name.partition(".")[0] for name in imported(module)}
    assert used & IMPURE <= MAY_USE.get(module, set())


def test_the_shell_is_what_there_is() -> None:
    assert SHELL - MODULES.keys() == set(), "a file of the shell is gone: take it from the list"


@pytest.mark.parametrize("module", MODULES)
def test_files_are_short(module: str) -> None:
    length = len(MODULES[module].read_text().splitlines())
    if length > LONG_FILE:
        warnings.warn(f"{MODULES[module].relative_to(ROOT)} has {length} lines, more than {LONG_FILE}", stacklevel=1)
    assert length < MAX_FILE


@pytest.mark.parametrize("module", MODULES)
def test_functions_are_short(module: str) -> None:
    functions = (
        node
        for node in ast.walk(ast.parse(MODULES[module].read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    lengths = {f"{module}.{node.name}": (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    long = {name: length for name, length in lengths.items() if length > MAX_FUNCTION}
    assert not long
