"""All that the extension touches of ExaBGP is in `SURFACES`: found in the source, so that nothing can be forgotten.

ExaBGP has no types. Where a name says nothing (`self`, `peer`), what stands behind it is told here, in `KINDS`.
"""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from evpn.exabgp.extension.surfaces import NEEDED, OPTIONAL, SURFACES

EVPN = Path(__file__).parents[3] / "evpn"
FILES = [*sorted((EVPN / "exabgp/extension").glob("*.py")), EVPN / "cli/exabgp.py"]

REACTOR = "exabgp.reactor.loop.Reactor"
PROCESSES = "exabgp.reactor.api.processes.Processes"
NEIGHBOR = "exabgp.bgp.neighbor.Neighbor"
IP = "exabgp.protocol.ip.IP"
NEGOTIATED = "exabgp.bgp.message.open.capability.negotiated.Negotiated"
OPEN = "exabgp.bgp.message.open.Open"

KINDS = {
    "reactor": REACTOR,
    "reactor.processes": PROCESSES,
    "processes": PROCESSES,
    "reactor.configuration": "exabgp.configuration.configuration.Configuration",
    "self.signal": "exabgp.reactor.interrupt.Signal",
    "reactor.asynchronous": "exabgp.reactor.asynchronous.ASYNC",
    "listener": "exabgp.reactor.listener.Listener",
    "peer": "exabgp.reactor.peer.Peer",
    "peer._delay": "exabgp.reactor.delay.Delay",
    "proto": "exabgp.reactor.protocol.Protocol",
    "attempt": "exabgp.reactor.protocol.Protocol",
    "peer.proto": "exabgp.reactor.protocol.Protocol",
    "proto.__dict__[_KEEPALIVE]": "exabgp.reactor.keepalive.KA",
    "sending": "exabgp.bgp.timer.SendTimer",
    "receiving": "exabgp.bgp.timer.ReceiveTimer",
    "neighbor": NEIGHBOR,
    "n": NEIGHBOR,
    "neighbor.rib": "exabgp.rib.RIB",
    "n.rib": "exabgp.rib.RIB",
    "rib": "exabgp.rib.RIB",
    "outgoing": "exabgp.rib.outgoing.OutgoingRIB",
    "negotiated": NEGOTIATED,
    "negotiated.received_open": OPEN,
    "negotiated.received_open.capabilities": "exabgp.bgp.message.open.capability.Capabilities",
    "offered": "exabgp.bgp.message.open.capability.graceful.Graceful",
    "tokeniser": "exabgp.configuration.core.tokeniser.Iterator",
    "change": "exabgp.rib.change.Change",
    "change.nlri": "exabgp.bgp.message.update.nlri.evpn.nlri.EVPN",
    "change.nlri.nexthop": IP,
    "_peers[name]": "exabgp.reactor.peer.Peer",
    "cls.decoding": "exabgp.bgp.message.Update",
    "message": "exabgp.bgp.message.refresh.RouteRefresh",
    "address": IP,
}
"""What ExaBGP hands over, by the end of the expression that it is called by."""

OURS = {"evpn", "pending_elsewhere", "nexthop", "packed", "__dict__"}
"""Attributes that the extension has put on such an object itself."""

MAPPINGS = {
    "neighbor": f"{NEIGHBOR}.defaults",
    "api": "exabgp.configuration.neighbor.api.ParseAPI.DEFAULT_API",
    "process": "exabgp.configuration.process.ParseProcess.known",
}

NOT_ASKED = {
    "action",
    "io",
    "ip",
    "previous",
    "new",
    "arguments",
    "options",
    "fields",
    "value",
    "session",
    "signum",
    "frame",
    "asn",
    "direction",
    "thing",
}
"""Parameters without a type that nothing is asked of."""

UNSEEN = {
    "exabgp.version.version",  # imported by its name in a string
    "exabgp.bgp.message.Message.unpack",  # looks into `registered_message`
    "exabgp.bgp.timer.ReceiveTimer.check_ka_timer",  # looks at `time`, as the next
    "exabgp.bgp.timer.SendTimer.need_ka",
    "exabgp.rib.outgoing.OutgoingRIB.replace_reload",  # calls `add_to_rib` and `del_from_rib`, which are replaced
}
"""Surfaces that do not show in the source."""


UNTYPED = r"(\w+\[)?Any\]?( \| None)?"


class Source:
    """One file of the extension: the names in it that stand for something of ExaBGP."""

    def __init__(self, file: Path) -> None:
        self.tree = ast.parse(file.read_text())
        self.imported: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import) and any(alias.name.startswith("exabgp.") for alias in node.names):
                self.imported["exabgp"] = "exabgp"
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "exabgp":
                self.imported.update(
                    (alias.asname or alias.name, f"{node.module}.{alias.name}") for alias in node.names
                )

    def touched(self) -> Iterator[str]:
        yield from (name for name in self.imported.values() if name != "exabgp")
        for node in self.tree.body:
            kind = ""
            if isinstance(node, ast.ClassDef):
                kind = self.base(node)
                yield from overridden(node, kind)
            if isinstance(node, ast.FunctionDef):
                kind = self.replaced().get(node.name, "")
            yield from self.used(node, kind)

    def made(self) -> Iterator[str]:
        """What is called by its own name, and the classes that ours are made of."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) not in KINDS:
                yield self.kind_of(ast.unparse(node.func), "")
            elif isinstance(node, ast.ClassDef):
                yield self.base(node)

    def base(self, node: ast.ClassDef) -> str:
        return next((self.imported[name] for name in map(ast.unparse, node.bases) if name in self.imported), "")

    def replaced(self) -> dict[str, str]:
        """Functions that are put into a class of ExaBGP, and that class: there they are given its objects."""
        return {
            node.value.id: self.imported[node.targets[0].value.id]
            for node in ast.walk(self.tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name)
            if isinstance(node.targets[0], ast.Attribute) and isinstance(node.targets[0].value, ast.Name)
            if node.targets[0].value.id in self.imported
        }

    def used(self, tree: ast.AST, kind: str) -> Iterator[str]:
        own = attributes_of(tree) if isinstance(tree, ast.ClassDef) else set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                of = self.kind_of(ast.unparse(node.value), kind)
                added = node.attr in OURS and of in KINDS.values()
                if of and not added and not (of == kind and node.attr in own and not known(of, node.attr)):
                    yield f"{of}.{node.attr}".removesuffix(".__init__")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in KINDS:
                yield f"{KINDS[ast.unparse(node.func)]}.__call__"
            if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
                mapping = ast.unparse(node.value).rpartition(".")[2]
                of = MAPPINGS.get("neighbor" if mapping == "self" and kind == NEIGHBOR else mapping, "")
                if of and isinstance(node.slice.value, str):
                    yield f"{of}.[{node.slice.value}]"

    def kind_of(self, text: str, kind: str) -> str:
        """What an expression stands for, empty when it is nothing of ExaBGP."""
        root, _, rest = text.partition(".")
        if root in self.imported and text.replace(".", "").isidentifier():
            return f"{self.imported[root]}.{rest}".rstrip(".")
        if text in ("self", "super()"):
            return kind
        ends = [name for name in KINDS if text == name or (text.endswith(f".{name}") and text != f"self.{name}")]
        return KINDS[max(ends, key=len)] if ends else ""


def overridden(node: ast.ClassDef, base: str) -> Iterator[str]:
    """What ExaBGP would no longer call, were it called differently there."""
    for name in names_in(node) if base else ():
        if name == "__init__":
            yield base
        elif known(base, name):
            yield f"{base}.{name}"


def names_in(node: ast.ClassDef) -> Iterator[str]:
    for part in node.body:
        if isinstance(part, ast.FunctionDef):
            yield part.name
        elif isinstance(part, ast.Assign):
            yield ast.unparse(part.targets[0])


def attributes_of(node: ast.ClassDef) -> set[str]:
    """Methods of a class, and what they assign."""
    assigned = (part for part in ast.walk(node) if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store))
    return {*names_in(node), *(part.attr for part in assigned if ast.unparse(part.value) == "self")}


def known(kind: str, name: str) -> bool:
    """Whether a class of ExaBGP has, or its methods speak of, a name."""
    module, _, short = kind.rpartition(".")
    found: Any = getattr(import_module(module), short)
    methods = [thing for base in found.__mro__ for thing in vars(base).values() if isinstance(thing, FunctionType)]
    return hasattr(found, name) or any(name in method.__code__.co_names for method in methods)


def surfaces(*parts: str) -> set[str]:
    return {f"{s.module}.{s.name.replace('()', '')}" for s in SURFACES if s.part in parts}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_what_a_part_touches_is_checked_for_it_or_always(file: Path) -> None:
    parts = (*NEEDED, file.stem) if file.stem in OPTIONAL else NEEDED
    checked = surfaces(*parts)

    unchecked = [
        name
        for name in sorted(set(Source(file).touched()))
        if not any(surface == name or surface.startswith(f"{name}.") for surface in checked)
    ]

    assert unchecked == []
    assert {name for name in Source(file).made() if name.startswith("exabgp.")} - checked == set()


def test_nothing_is_checked_that_is_not_touched() -> None:
    touched = {name for file in FILES for name in Source(file).touched()}

    assert surfaces(*NEEDED, *OPTIONAL) - touched == UNSEEN


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_it_is_known_what_stands_behind_each_parameter_without_a_type(file: Path) -> None:
    arguments = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.arg)]
    untyped = {
        node.arg for node in arguments if node.annotation and re.fullmatch(UNTYPED, ast.unparse(node.annotation))
    }

    assert untyped - {"self"} - KINDS.keys() - MAPPINGS.keys() - NOT_ASKED == set()


def test_a_function_is_checked_with_its_parameters() -> None:
    unchecked = [
        f"{s.module}.{s.name}"
        for s in SURFACES
        if not s.parameters and isinstance(thing(s.module, s.name), FunctionType)
    ]

    assert unchecked == ["exabgp.application.main.main"]  # it has none


def thing(module: str, name: str) -> Any:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return getattr(found, "__func__", found)
