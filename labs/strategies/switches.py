"""Every strategy switched to every other one while hosts ping each other: `python labs/strategies/switches.py [LAB]`.

LAB is up. Its five VNIs have five strategies: four reloads, by which each VNI takes the strategy of the next one, the
next but one and so on, make all twenty ordered pairs, and the last reload leads back. h1 pings h2 and, where FRR can
join in, h3. A ping lost though no device was made again is a failure, as is a host that cannot be reached afterwards,
or a device that has not the rows and flags of its new strategy.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from evpn.lab.node import inside
from evpn.lab.run import run_in
from evpn.lab.state import LabState, load

VTEPS = ("vtep1", "vtep2")
PROXY = ("static-l3", "dynamic-l3")
LEARNING = ("multicast", "static-flood")
FRR_CANNOT = "multicast"
INTERVAL, LONGEST = 0.01, 20.0
NONE = "-"


class Switch(NamedTuple):
    vni: int
    old: str
    new: str

    @property
    def again(self) -> bool:
        """The device has to be another one: it has `proxy`, `l2miss` and `l3miss` for its whole life."""
        return self.old in PROXY or self.new in PROXY

    @property
    def joins_frr(self) -> bool:
        return FRR_CANNOT not in (self.old, self.new)

    def address(self, host: int, ipv6: bool = False) -> str:
        number = self.vni - 100
        return f"2001:db8:{self.vni}::{host}" if ipv6 else f"192.0.2.{16 * number + host}"

    def __str__(self) -> str:
        return f"{self.old} -> {self.new}"


class Walk(NamedTuple):
    state: LabState
    settings: dict[str, dict[str, Any]]
    """Of each VTEP, as they are at the start."""
    problems: list[str]

    def ask(self, node: str, *command: str) -> str:
        result = run_in(self.state, node, command, timeout=LONGEST)
        if result.status:
            raise SystemExit(f"{node}# {' '.join(command)}\n{result.output}")
        return result.output

    def reaches(self, here: int, there: str) -> bool:
        return run_in(self.state, f"h{here}", ["ping", "-c", "1", "-W", "0.5", there]).status == 0

    def vnis(self) -> list[int]:
        return [vni["vni"] for vni in self.settings["vtep1"]["vnis"]]

    def strategies(self) -> list[str]:
        return [vni["strategy"] for vni in self.settings["vtep1"]["vnis"]]


def main(lab: str) -> int:
    state = load(lab)
    if state is None or not state.complete:
        raise SystemExit(f"lab {lab} is not up: `evpn lab up {lab}`")
    folder = Path(state.topology).parent
    walk = Walk(state, {vtep: yaml.safe_load((folder / vtep / "vtep.yaml").read_text()) for vtep in VTEPS}, [])
    print(_row(["from", "to", "VNI", "device made again", "pings lost", *["to FRR's host"] * ("h3" in state.nodes)]))
    for old, new in turns(walk.strategies()):
        for cells in one_reload(walk, [Switch(*of) for of in zip(walk.vnis(), old, new, strict=True)]):
            print(_row(cells), flush=True)
    for problem in walk.problems:
        print(f"wrong: {problem}")
    return 1 if walk.problems else 0


def turns(names: list[str]) -> Iterator[tuple[list[str], list[str]]]:
    """Steps of one to four places, one after the other."""
    place = 0
    for step in range(1, len(names)):
        yield _turned(names, place), _turned(names, place + step)
        place += step


def one_reload(walk: Walk, switches: Sequence[Switch]) -> Iterator[list[str]]:
    """Both VTEPs one after the other, under way; what became of each VNI."""
    others = [host for host in (2, 3) if f"h{host}" in walk.state.nodes]
    pairs = [(switch, host) for switch in switches for host in others if host == 2 or switch.joins_frr]
    wait_for_hosts(walk, pairs, "before")
    before = [_devices(walk, vtep) for vtep in VTEPS]
    with pinging(walk.state, pairs) as lost:
        for vtep in VTEPS:
            reload(walk, vtep, [switch.new for switch in switches])
        wait_for_hosts(walk, pairs, "afterwards")
        for switch in switches:
            _until(walk, f"{switch}: rows and flags", partial(_is_fed, walk, switch))
    after = [_devices(walk, vtep) for vtep in VTEPS]
    for switch in switches:
        device = f"vxlan{switch.vni}"
        again = [old[device] != new[device] for old, new in zip(before, after, strict=True)]
        if again != [switch.again] * len(VTEPS):
            walk.problems.append(f"{switch}: device made again: {again}")
        counts = [lost.get((switch, host)) for host in others]
        if any(count is not None and (count < 0 or (count and not switch.again)) for count in counts):
            walk.problems.append(f"{switch}: pings lost: {counts}")
        shown = [NONE if count is None else str(count) for count in counts]
        yield [switch.old, switch.new, str(switch.vni), "yes" if all(again) else "no", *shown]


def wait_for_hosts(walk: Walk, pairs: Iterable[tuple[Switch, int]], when: str) -> None:
    for switch, host in pairs:
        _until(walk, f"{switch}: h1 and h{host} reach each other {when}", partial(_talk, walk, switch, host))


@contextmanager
def pinging(state: LabState, pairs: Iterable[tuple[Switch, int]]) -> Iterator[dict[tuple[Switch, int], int]]:
    """h1 pings all of them; the dict has what was lost, afterwards."""
    lost: dict[tuple[Switch, int], int] = {}
    flows = {(switch, host): _ping(state, switch.address(host)) for switch, host in pairs}
    try:
        time.sleep(0.3)
        yield lost
    finally:
        for flow, process in flows.items():
            os.killpg(process.pid, signal.SIGINT)
            lost[flow] = _lost(process.communicate(timeout=10)[0])


def reload(walk: Walk, vtep: str, strategies: Iterable[str]) -> None:
    settings = walk.settings[vtep]
    vnis = [
        {"vni": vni["vni"], "ports": vni["ports"], "strategy": name}
        | ({"idle-timeout": 3} if name == "dynamic-l3" else {})
        for vni, name in zip(settings["vnis"], strategies, strict=True)
    ]
    text = yaml.safe_dump(settings | {"vnis": vnis})
    walk.ask(vtep, "sh", "-c", 'printf %s "$1" > /etc/evpn/switched.yaml', "sh", text)
    walk.ask(vtep, "evpn", "reload", "--config", "/etc/evpn/switched.yaml")


def _talk(walk: Walk, switch: Switch, host: int) -> bool:
    """Both speak, over IPv4 and IPv6, whoever is heard: where nothing is flooded, each has to be known."""
    heard = [
        walk.reaches(*pair)
        for ipv6 in (False, True)
        for pair in ((1, switch.address(host, ipv6)), (host, switch.address(1, ipv6)))
    ]
    return all(heard)


def _is_fed(walk: Walk, switch: Switch) -> bool:
    """vtep1 has the rows for h2 that the strategy writes or learns, on a device with its flags."""
    device, mac = f"vxlan{switch.vni}", f"00:00:5e:00:53:2{switch.vni - 100}"
    rows = [line for line in walk.ask("vtep1", "bridge", "fdb", "show", "dev", device).splitlines() if mac in line]
    marked = [line for line in rows if "extern_learn" in line]
    (link,) = json.loads(walk.ask("vtep1", "ip", "-d", "-j", "link", "show", device))
    has = link["linkinfo"]["info_data"]
    return (
        len(marked) == (0 if switch.new in LEARNING else 2)
        and bool(rows)
        and ("proxy" in has) == (switch.new in PROXY)
        and ("l2miss" in has) == ("l3miss" in has) == (switch.new == "dynamic-l3")
        and ("group" in has or "group6" in has) == (switch.new == "multicast")
    )


def _devices(walk: Walk, vtep: str) -> dict[str, int]:
    return {
        link["ifname"]: link["ifindex"]
        for link in json.loads(walk.ask(vtep, "ip", "-j", "link", "show", "type", "vxlan"))
    }


def _ping(state: LabState, address: str) -> subprocess.Popen[str]:
    h1 = state.node("h1")
    return subprocess.Popen(
        inside(h1.process, ["ping", "-n", "-i", str(INTERVAL), address]),
        env=dict(h1.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )


def _lost(output: str) -> int:
    """Of those sent before the last one that was answered: what is on its way at the end is not lost."""
    answered = {int(number) for number in re.findall(r"icmp_seq=(\d+) ttl", output)}
    return max(answered) - len(answered) if answered else -1


def _until(walk: Walk, what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not holds():
        if time.monotonic() > end:
            walk.problems.append(f"{what}: not within {LONGEST:.0f} s")
            return
        time.sleep(0.1)


def _turned(names: list[str], by: int) -> list[str]:
    by %= len(names)
    return names[by:] + names[:by]


def _row(cells: Sequence[str]) -> str:
    widths = (13, 13, 4, 18, 11, 0)
    return " ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=False)).rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "strategies"))
