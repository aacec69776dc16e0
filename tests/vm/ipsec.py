"""ESP between two VTEPs, in a virtual machine with a kernel that has it: `make vm` starts this there.

The devices are those that an agent makes, with their MTUs; strongSwan has what `evpn render swanctl` makes, and nothing
but that. What is on the wire is looked at between the two. A first packet brings the SAs up; under emulation that takes
seconds.
"""

import json
import re
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from evpn.agent.devices import make
from evpn.config.render import render
from evpn.config.settings import Settings
from evpn.netlink.links import Links
from tests.config.files import a_config
from tests.interop.frr import until
from tests.interop.strongswan import StrongSwan
from tests.namespaces import Namespace, veth

MODULES = "vxlan bridge veth esp4 esp6 xfrm_user gcm ghash_generic ctr seqiv nf_tables nft_fib_netdev af_packet"
PSK = "correct-horse-battery-staple"
SECONDS = 90.0


class Node(Namespace):
    """Called as strongSwan's tests call theirs."""

    command = Namespace.inside


class Case(NamedTuple):
    name: str
    vteps: tuple[str, str]
    prefix: str
    underlay_mtu: int
    ipsec: dict[str, object]
    mtu: int
    """Of the devices; ESP takes 34 octets of it and what the underlay has beyond a multiple of 4."""
    most: int
    """The longest packet on the wire: octets of IPv4, or those behind the header of IPv6."""


V4, V6 = ("10.0.0.11", "10.0.0.12"), ("2001:db8::11", "2001:db8::12")
CASES = [
    Case("IPv4", V4, "10.0.0.0/24", 1500, {}, 1416, 1500),
    Case("IPv4, an odd MTU", V4, "10.0.0.0/24", 1503, {}, 1416, 1500),
    Case("IPv4, AES-128", V4, "10.0.0.0/24", 1500, {"esp-proposal": "aes128gcm16"}, 1416, 1500),
    Case("IPv4, NAT traversal", V4, "10.0.0.0/24", 1500, {"nat-traversal": True}, 1408, 1500),
    Case("IPv6", V6, "2001:db8::/64", 1500, {}, 1396, 1460),
]


def run(case: Case) -> None:
    with ExitStack() as stack:
        nodes = [stack.enter_context(Node(f"vm-{number}")) for number in (11, 12)]
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        veth(nodes[0], "eth0", nodes[1], "eth0")
        for index, node in enumerate(nodes):
            lay_out(case, node, index)
        for index, node in enumerate(nodes):
            swan = stack.enter_context(StrongSwan(node, directory / str(index)))
            assert "successfully loaded 1" in swan.load(render("swanctl", settings_of(case, index)))
        check(case, nodes, directory)


def settings_of(case: Case, index: int) -> Settings:
    return a_config(
        vtep_address=case.vteps[index],
        router_id=f"10.0.0.{index + 11}",
        neighbors=[{"address": case.vteps[1 - index][:-2] + "1"}],
        ipsec={"vteps": [case.prefix], "psk": PSK} | case.ipsec,
    )


def lay_out(case: Case, node: Namespace, index: int) -> None:
    """The underlay; bridge and device as the agent makes them; a row for the other VTEP, and an address to ping."""
    length = case.prefix.partition("/")[2]
    node.run("ip", "link", "set", "eth0", "mtu", str(case.underlay_mtu))
    options = ["nodad"] if ":" in case.prefix else []
    node.run("ip", "address", "add", f"{case.vteps[index]}/{length}", "dev", "eth0", *options)
    with node.entered():
        links = Links()
        make(settings_of(case, index), links)
        links.close()
    node.run(*f"bridge fdb append 00:00:00:00:00:00 dev vxlan100 dst {case.vteps[1 - index]}".split())
    node.run("ip", "address", "add", f"192.0.2.{index + 11}/24", "dev", "br100")


def check(case: Case, nodes: list[Namespace], directory: Path) -> None:
    one, other = nodes
    (device,) = json.loads(one.run("ip", "-j", "link", "show", "vxlan100"))
    assert device["mtu"] == case.mtu, (device["mtu"], case.mtu)
    capture = directory / "pcap"
    tcpdump = subprocess.Popen(other.inside("tcpdump", "-i", "eth0", "-s", "128", "-U", "-w", str(capture)))
    try:
        until(lambda: capture.exists() and capture.stat().st_size, SECONDS)
        until(lambda: pings(one, "192.0.2.12"), SECONDS)
        until(lambda: pings(other, "192.0.2.11"), SECONDS)
        for node, address in ((one, "192.0.2.12"), (other, "192.0.2.11")):
            assert pings(node, address, "-M", "do", "-s", str(case.mtu - 28)), "the longest packet does not get through"
            assert not pings(node, address, "-M", "do", "-s", str(case.mtu - 27))
    finally:
        tcpdump.terminate()
        tcpdump.wait(30)
    seen = subprocess.run(
        ["tcpdump", "-nn", "-v", "-r", str(capture)], capture_output=True, text=True, check=True
    ).stdout
    esp, clear = seen.count("ESP(spi="), seen.count("VXLAN")
    print(f"{case.name}: mtu={case.mtu} esp={esp} vxlan in clear={clear}", flush=True)
    assert esp >= 4 and not clear, seen
    lengths = {int(length) for length in re.findall(r"length:? (\d+)\)", seen)}
    assert max(lengths) == case.most, seen
    states = one.run("ip", "-s", "xfrm", "state")
    assert "rfc4106(gcm(aes))" in states, states
    refused(case, one, other)


def refused(case: Case, one: Namespace, other: Namespace) -> None:
    """What comes in clear, from a VTEP that has forgotten its policies, is not taken."""
    other.run("ip", "xfrm", "policy", "flush")
    other.run("ip", "xfrm", "state", "flush")
    assert not pings(other, "192.0.2.11")


def pings(node: Namespace, address: str, *more: str) -> bool:
    command = node.inside("ping", "-c", "1", "-W", "3", *more, address)
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


if __name__ == "__main__":
    for module in MODULES.split():
        subprocess.run(["modprobe", module], check=True)
    for each in CASES:
        run(each)
    print(f"ESP seen in {len(CASES)} cases on Linux {Path('/proc/sys/kernel/osrelease').read_text().strip()}")
    sys.exit(0)
