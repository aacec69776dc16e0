"""First-packet latency of `dynamic-l3` beside `static-l2`: `python -m tests.bench.demand`, as root.

One host asks for 50 others, one after the other, with 100 000 routes in memory: how long until its ARP request is
answered, and how many rows the kernel has then. It asks again every 2 ms, where a real host would wait for a second.
"""

import statistics
import time

from evpn.text import format_ip, parse_ip
from evpn.values import IpAddress, MacAddress
from evpn.wire.update import encode_announce
from tests.builders import a_mac_route, attributes
from tests.interop.cable import Cable, a_frame, arp_request
from tests.interop.fabric import Fabric, Vtep, address
from tests.interop.far_side import HIGHER, FarSide
from tests.interop.frr import until
from tests.interop.raw_peer import RawPeer
from tests.interop.test_on_demand import ASKING, answers_for

ROUTES, TALKERS, PER_UPDATE = 100_000, 50, 50
AGAIN, TIMEOUT = 0.002, 10.0


def a_host(number: int) -> tuple[MacAddress, IpAddress]:
    return MacAddress(b"\x02\x01" + number.to_bytes(4, "big")), IpAddress((0x0A640000 + number).to_bytes(4, "big"))


def main() -> None:
    for strategy in ("dynamic-l3", "static-l2"):
        with Fabric("demand-bench", frr=False) as fabric:
            vtep = fabric.vtep(11, vnis=[{"vni": 100, "ports": ["tap1"], "strategy": strategy}])
            host, node = fabric.host(vtep, 1), fabric.node(1)
            vtep.start()
            with RawPeer(node, address(1), vtep.address) as peer, Cable(host.namespace) as cable:
                announce(FarSide(peer, vtep), vtep)
                took = sorted(1000 * ask(cable, number * (ROUTES // TALKERS)) for number in range(TALKERS))
                median, late = statistics.median(took), took[int(0.95 * TALKERS)]
                print(f"{strategy}: answered after {median:.2f} ms (median), {late:.2f} ms (95th); {rows(vtep)} rows")


def announce(far: FarSide, vtep: Vtep) -> None:
    """All routes; done when nothing is pending any more."""
    for first in range(0, ROUTES, PER_UPDATE):
        routes = [a_mac_route(*a_host(number), f"{HIGHER}:100") for number in range(first, first + PER_UPDATE)]
        far.peer.update(encode_announce(routes, parse_ip(HIGHER), attributes()))
    far.begin()
    until(lambda: len(vtep.macs()) >= ROUTES, 120, every=1)
    before = -1
    while before != (before := rows(vtep)):
        time.sleep(2)


def ask(cable: Cable, number: int) -> float:
    """Seconds until the answer."""
    ip = format_ip(a_host(number)[1])
    cable.say(a_frame(ASKING))
    heard, began, last = len(cable.heard()), time.monotonic(), 0.0
    while not any(answers_for(frame, ip, ASKING) for frame in cable.heard()[heard:]):
        now = time.monotonic()
        assert now - began < TIMEOUT, f"{ip} was not answered for"
        if now - last > AGAIN:
            cable.say(arp_request(ASKING, "10.100.255.1", ip))
            last = now
    return time.monotonic() - began


def rows(vtep: Vtep) -> int:
    """Of BGP, in the FDB of the VXLAN device."""
    return sum("extern_learn" in row["flags"] and "dst" in row for row in vtep.fdb())


if __name__ == "__main__":
    main()
