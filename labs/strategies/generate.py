"""The files of both labs from one set of templates: `python labs/strategies/generate.py`."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from evpn.config.load import load
from evpn.config.render import render
from evpn.config.settings import Strategy

HERE = Path(__file__).parent
SPEAKS_FIRST = "A host that has never spoken is nobody's, so h1 speaks first."
STORIES = {
    Strategy.MULTICAST: """\
Strategy multicast: all that is broadcast goes to a multicast group, and the device learns from the frames of
the others who is where (RFC 7348). BGP announces, but writes no row.""",
    Strategy.STATIC_FLOOD: """\
Strategy static-flood: BGP tells who gets a copy of a broadcast frame (type 3), and the device learns as before.
No multicast in the underlay any more.""",
    Strategy.STATIC_L2: """\
Strategy static-l2: BGP tells where each MAC is as well (type 2), and nothing is learnt from the tunnel. The bridge
answers ARP and ND for remote hosts.""",
    Strategy.STATIC_L3: f"""\
Strategy static-l3: no flooding at all. The VXLAN device answers ARP and ND itself, from neighbors on it.
{SPEAKS_FIRST}""",
    Strategy.DYNAMIC_L3: f"""\
Strategy dynamic-l3: the same, but only for those whom somebody talks to. The device tells what it does not know,
the agent answers from the routes in its memory.
{SPEAKS_FIRST}""",
}
LEARNING = {Strategy.MULTICAST, Strategy.STATIC_FLOOD}
FLOODING = {Strategy.STATIC_FLOOD, Strategy.STATIC_L2}
PROXY = {Strategy.STATIC_L3, Strategy.DYNAMIC_L3}


class Vtep(NamedTuple):
    name: str
    ip: str
    address: str
    """With the length of its prefix."""


class Lab(NamedTuple):
    name: str
    underlay: str
    mtu: int
    vteps: tuple[Vtep, ...]
    reflector: str
    """Empty: the VTEPs peer with each other."""


LABS = (
    Lab(
        "strategies",
        "10.0.0.0/24",
        1550,
        tuple(Vtep(f"vtep{n}", f"10.0.0.1{n}", f"10.0.0.1{n}/24") for n in (1, 2, 3)),
        "10.0.0.1",
    ),
    Lab(
        "strategies-ipv6",
        "2001:db8::/64",
        1570,
        tuple(Vtep(f"vtep{n}", f"2001:db8::1{n}", f"2001:db8::1{n}/64") for n in (1, 2)),
        "",
    ),
)


class Vni(NamedTuple):
    """One strategy with its addresses; hosts and VTEPs have the same numbers."""

    number: int
    strategy: Strategy
    remote: str
    """Address of vtep2."""
    group: str

    @property
    def vni(self) -> int:
        return 100 + self.number

    @property
    def cable(self) -> str:
        return f"eth{self.number}"

    @property
    def port(self) -> str:
        return f"eth{self.number + 1}"

    @property
    def story(self) -> str:
        return STORIES[self.strategy]

    @property
    def asks(self) -> bool:
        """Questions for a remote host pass the tunnel."""
        return self.strategy in LEARNING

    @property
    def answers(self) -> str:
        return "the VXLAN device" if self.strategy in PROXY else "the bridge"

    @property
    def neighbors(self) -> str:
        return f"vxlan{self.vni}" if self.strategy in PROXY else f"br{self.vni}"

    def ipv4(self, host: int) -> str:
        return f"192.0.2.{16 * self.number + host}"

    def ipv6(self, host: int) -> str:
        return f"2001:db8:{self.vni}::{host}"

    def mac(self, host: int) -> str:
        return f"00:00:5e:00:53:{host}{self.number}"

    def rows(self, frr: bool) -> list[str]:
        """Regular expressions for `bridge fdb` and `ip neigh` on vtep1."""
        flooded = {Strategy.MULTICAST: [self.group]} | {key: [self.remote, *(["10.0.0.13"] * frr)] for key in FLOODING}
        zero = [f"00:00:00:00:00:00 dst {re.escape(to)} " for to in flooded.get(self.strategy, ())]
        if self.asks:
            return [*zero, f"{self.mac(2)} dst {re.escape(self.remote)} self *$"]
        return [
            *zero,
            f"{self.mac(2)} extern_learn master br{self.vni}",
            f"{self.mac(2)} dst {re.escape(self.remote)} self extern_learn",
            f"{re.escape(self.ipv4(2))} lladdr {self.mac(2)} .*proto bgp",
            f"{self.ipv6(2)} lladdr {self.mac(2)} .*proto bgp",
        ]

    @property
    def no_rows(self) -> str:
        if self.strategy == Strategy.MULTICAST:
            return "'extern_learn'"
        if self.strategy == Strategy.STATIC_FLOOD:
            return f"'53:[23]{self.number}.*extern_learn|proto bgp'"
        return "'00:00:00:00:00:00'" if self.strategy in PROXY else f"'{self.mac(2)} dst [^ ]* self *$'"


def files() -> Iterator[tuple[Path, str]]:
    """Every file that is made, and what is in it; FRR's last, for they are rendered from the others as they stand."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["re"] = re.escape
    for lab in LABS:
        folder = HERE.parent / lab.name
        for vtep in lab.vteps:
            yield folder / vtep.name / "vtep.yaml", environment.get_template("vtep.yaml.j2").render(_vtep(lab, vtep))
        frr = _frr(folder, lab) if lab.reflector else {}
        yield from frr.items()
        known = _topology(lab) | {"device_commands": _device_commands(frr.get(folder / "vtep3" / "frr.conf", ""))}
        for name in ("topology.clab.yml", "expect.yml"):
            yield folder / name, environment.get_template(f"{name}.j2").render(known)


def _topology(lab: Lab) -> dict[str, object]:
    return {
        "lab": lab.name,
        "frr": bool(lab.reflector),
        "underlay": lab.underlay,
        "mtu": lab.mtu,
        "vteps": lab.vteps,
        "vnis": _vnis(lab),
    }


def _vnis(lab: Lab) -> list[Vni]:
    group = "239.0.0.{}" if lab.reflector else "ff05::{:x}"
    return [
        Vni(number, strategy, lab.vteps[1].ip, group.format(100 + number))
        for number, strategy in enumerate(Strategy, 1)
    ]


def _vtep(lab: Lab, vtep: Vtep) -> dict[str, object]:
    other = next(one for one in lab.vteps if one != vtep)
    vnis = _vnis(lab)
    return {
        "vtep": vtep.ip,
        "router_id": "" if lab.reflector else f"10.0.0.1{vtep.name[-1]}",
        "peer": lab.reflector or other.ip,
        "peer_name": "rr" if lab.reflector else other.name,
        "vnis": [vni._replace(strategy=Strategy.STATIC_L2) for vni in vnis] if vtep.name == "vtep3" else vnis,
    }


def _frr(folder: Path, lab: Lab) -> dict[Path, str]:
    """Of the reflector and of the VTEP, as `evpn render` makes them."""
    clients = [vtep.ip for vtep in lab.vteps]
    theirs = replace(load(folder / "vtep3" / "vtep.yaml"), path=Path("/etc/evpn/vtep.yaml"))
    return {
        folder / "rr" / "frr.conf": render(
            "frr-route-reflector", load(folder / "vtep1" / "vtep.yaml"), clients=clients
        ),
        folder / "vtep3" / "frr.conf": render("frr-vtep", theirs),
    }


def _device_commands(rendered: str) -> list[str]:
    """What the configuration of FRR says that its devices are made by."""
    return [line.removeprefix("!").strip() for line in rendered.splitlines() if line.startswith("!  ")]


if __name__ == "__main__":
    for path, text in files():
        path.write_text(text)
