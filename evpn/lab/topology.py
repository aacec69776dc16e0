"""Containerlab's topology file, the part of it that namespaces can run; text in, values out.

A key that would change what the lab does and that we do not run is an error naming file and key. Keys that only matter
to containers (limits, pull policies, labels) are accepted and have no effect.
"""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
import yaml

from evpn.lab.errors import TopologyError

DEFAULT_MTU = 9500
"""What containerlab gives a veth pair when the link does not say."""


class Bind(NamedTuple):
    source: Path
    target: str
    read_only: bool


class Endpoint(NamedTuple):
    node: str
    interface: str
    mac: str | None
    addresses: tuple[str, ...]


class Link(NamedTuple):
    ends: tuple[Endpoint, Endpoint]
    mtu: int


class Node(NamedTuple):
    """One node, with what it inherits from its group, its kind and the defaults filled in."""

    name: str
    container: str
    """The name containerlab gives the container, and we the network namespace."""
    hostname: str
    image: str
    command: tuple[str, ...]
    """Entry point and command; empty when the image decides."""
    binds: tuple[Bind, ...]
    exec: tuple[str, ...]
    env: Mapping[str, str]
    sysctls: Mapping[str, str]
    startup_delay: int


class Topology(NamedTuple):
    name: str
    file: Path
    nodes: tuple[Node, ...]
    links: tuple[Link, ...]


_CONTAINERS_ONLY = """
aliases auto-remove cap-add certificate cgroup-parent cgroupns-mode components config cpu cpu-set credentials devices
dns healthcheck image-pull-policy labels license link-apply-mode memory privileged restart-policy runtime security-opts
shm-size type
"""
_HARMLESS = frozenset(_CONTAINERS_ONLY.split())
_LAB_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_VARIABLE = re.compile(r"\$(\{|\w)")

T = TypeVar("T", bound=msgspec.Struct)
Scalar = str | int | float | bool
Mtu = Annotated[int, msgspec.Meta(ge=68, le=65535)]


class _NodeConfig(msgspec.Struct, rename="kebab"):
    """A node as written, and as `defaults`, `kinds` and `groups` write it."""

    kind: str | None = None
    group: str | None = None
    image: str | None = None
    hostname: str | None = None
    entrypoint: str | None = None
    cmd: str | None = None
    network_mode: str | None = None
    startup_delay: int | None = None
    binds: list[str] = []
    exec: list[str] = []
    env: dict[str, Scalar] = {}
    sysctls: dict[str, Scalar] = {}


class _EndpointConfig(msgspec.Struct):
    node: str
    interface: str
    mac: str | None = None
    ipv4: str | None = None
    ipv6: str | None = None


class _LinkConfig(msgspec.Struct):
    endpoints: list[str | _EndpointConfig]
    type: str = "veth"
    mtu: Mtu = DEFAULT_MTU
    ipv4: list[str] = []
    ipv6: list[str] = []


class _Sections(msgspec.Struct):
    """`topology:`, its entries still to be looked at one by one so that errors can name them."""

    nodes: dict[str, Any]
    defaults: dict[str, Any] = {}
    kinds: dict[str, Any] = {}
    groups: dict[str, Any] = {}
    links: list[dict[str, Any]] = []


class _File(msgspec.Struct):
    name: str
    topology: dict[str, Any]
    prefix: str = "clab"


def decode(text: str, file: Path, name: str | None = None) -> Topology:
    """What FILE describes, under another NAME if given; bind sources are relative to its directory."""
    for number, line in enumerate(text.splitlines(), 1):
        if _VARIABLE.search(line.partition("#")[0]):
            raise TopologyError(file, f"line {number}", "environment variables are not expanded by evpn lab")
    try:
        written = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TopologyError(file, "", f"not YAML: {error}") from error
    top = _convert(written, _File, file, "", harmless=frozenset({"mgmt", "debug"}))
    top.name = name or top.name
    if not _LAB_NAME.fullmatch(top.name):
        raise TopologyError(file, "name", f"{top.name!r}: letters, digits, '.', '_' and '-' are accepted")
    sections = _convert(top.topology, _Sections, file, "topology")
    nodes = tuple(_Reader(file, top, sections).node(name) for name in sections.nodes)
    links = tuple(_link(link, file, f"topology.links[{index}]") for index, link in enumerate(sections.links))
    _check_links(links, nodes, file)
    return Topology(top.name, file, nodes, links)


class _Reader(NamedTuple):
    file: Path
    top: _File
    sections: _Sections

    def node(self, name: str) -> Node:
        where = f"topology.nodes.{name}"
        own = self._config(self.sections.nodes[name], where)
        levels = self._levels(own, where)
        if (kind := _first(levels, "kind")) != "linux":
            raise TopologyError(self.file, f"{where}.kind", f"{kind!r}: evpn lab runs nodes of kind linux")
        if (mode := _first(levels, "network_mode")) not in (None, "none", "bridge"):
            raise TopologyError(self.file, f"{where}.network-mode", f"{mode!r} is not supported by evpn lab")
        binds = [self._bind(text, name, f"{where}.binds") for level in levels for text in level.binds]
        return Node(
            name=name,
            container=self._container(name),
            hostname=_first(levels, "hostname") or name,
            image=_first(levels, "image") or "",
            command=tuple(self._words(levels, "entrypoint", where) + self._words(levels, "cmd", where)),
            binds=tuple({bind.target: bind for bind in binds}.values()),
            exec=tuple(line.replace("__clabNodeName__", name) for level in levels for line in level.exec),
            env=_merged(level.env for level in levels),
            sysctls=_merged(level.sysctls for level in levels),
            startup_delay=_first(levels, "startup_delay") or 0,
        )

    def _levels(self, own: _NodeConfig, where: str) -> list[_NodeConfig]:
        """The general first: the last one to speak wins, as in containerlab."""
        defaults = self._config(self.sections.defaults, "topology.defaults")
        group = _NodeConfig()
        if own.group and own.group in self.sections.groups:
            group = self._config(self.sections.groups[own.group], f"topology.groups.{own.group}")
        kind = own.kind or group.kind or defaults.kind
        if kind is None:
            raise TopologyError(self.file, f"{where}.kind", "missing: evpn lab runs nodes of kind linux")
        of_kind = self._config(self.sections.kinds.get(kind), f"topology.kinds.{kind}")
        return [defaults, of_kind, group, own]

    def _config(self, written: object, where: str) -> _NodeConfig:
        return _convert(written or {}, _NodeConfig, self.file, where, _HARMLESS)

    def _container(self, node: str) -> str:
        """containerlab: an empty prefix means the bare node name, `__lab-name` the lab's name as the only prefix."""
        if not self.top.prefix:
            return node
        parts = [] if self.top.prefix == "__lab-name" else [self.top.prefix]
        return "-".join([*parts, self.top.name, node])

    def _words(self, levels: list[_NodeConfig], key: str, where: str) -> list[str]:
        try:
            return shlex.split(_first(levels, key) or "")
        except ValueError as error:
            raise TopologyError(self.file, f"{where}.{key}", str(error)) from error

    def _bind(self, text: str, node: str, where: str) -> Bind:
        parts = text.replace("__clabNodeName__", node).split(":")
        if (
            len(parts) not in (2, 3)
            or not parts[0]
            or not parts[1].startswith("/")
            or parts[2:] not in ([], ["ro"], ["rw"])
        ):
            raise TopologyError(self.file, where, f"{text!r}: SOURCE:/TARGET, SOURCE:/TARGET:ro or :rw is accepted")
        if "__clab" in text.replace("__clabNodeName__", ""):
            raise TopologyError(
                self.file, where, f"{text!r}: of containerlab's variables only __clabNodeName__ is known"
            )
        return Bind(self.file.parent / Path(parts[0]).expanduser(), parts[1], parts[2:] == ["ro"])


def _first(levels: list[_NodeConfig], key: str) -> Any:
    """The most special value; the caller knows its type from `_NodeConfig`."""
    return next((value for level in reversed(levels) if (value := getattr(level, key)) is not None), None)


def _merged(levels: Any) -> dict[str, str]:
    written = {key: value for level in levels for key, value in level.items()}
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in written.items()}


def _link(written: dict[str, Any], file: Path, where: str) -> Link:
    link = _convert(written, _LinkConfig, file, where, frozenset({"vars", "labels"}))
    if link.type != "veth":
        raise TopologyError(file, f"{where}.type", f"{link.type!r}: evpn lab makes links of type veth")
    if len(link.endpoints) != 2:
        raise TopologyError(file, f"{where}.endpoints", f"{len(link.endpoints)} endpoints: two are accepted")
    ends = []
    for index, end in enumerate(link.endpoints):
        extra = tuple(text for family in (link.ipv4, link.ipv6) for text in family[index : index + 1] if text)
        ends.append(_endpoint(end, extra, file, f"{where}.endpoints[{index}]"))
    return Link((ends[0], ends[1]), link.mtu)


def _endpoint(end: str | _EndpointConfig, addresses: tuple[str, ...], file: Path, where: str) -> Endpoint:
    if isinstance(end, str):
        node, _, interface = end.partition(":")
        end = _EndpointConfig(node, interface)
    if not end.node or not 0 < len(end.interface) < 16 or "/" in end.interface:
        raise TopologyError(
            file, where, f"'{end.node}:{end.interface}': NODE:INTERFACE of at most 15 octets is accepted"
        )
    own = tuple(text for text in (end.ipv4, end.ipv6) if text)
    return Endpoint(end.node, end.interface, end.mac, own or addresses)


def _check_links(links: tuple[Link, ...], nodes: tuple[Node, ...], file: Path) -> None:
    names = {node.name for node in nodes}
    seen: set[tuple[str, str]] = set()
    for index, link in enumerate(links):
        for end in link.ends:
            where, text = f"topology.links[{index}].endpoints", f"{end.node}:{end.interface}"
            if end.node not in names:
                raise TopologyError(file, where, f"{text}: there is no node {end.node}")
            if (end.node, end.interface) in seen:
                raise TopologyError(file, where, f"{text} is the end of another link already")
            seen.add((end.node, end.interface))


def _convert(written: object, kind: type[T], file: Path, where: str, harmless: frozenset[str] = frozenset()) -> T:
    """WRITTEN as a KIND; keys that KIND has not and that are not harmless are errors."""
    if isinstance(written, dict):
        known = {field.encode_name for field in msgspec.structs.fields(kind)} | harmless
        for key in written:
            if key not in known:
                raise TopologyError(file, f"{where}.{key}".lstrip("."), "not supported by evpn lab")
    try:
        return msgspec.convert(written, kind)
    except msgspec.ValidationError as error:
        raise TopologyError(file, where, str(error).replace("`", "'")) from error
