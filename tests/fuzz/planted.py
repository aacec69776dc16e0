"""A target that takes something right for wrong, some steps away from its only seed: the fuzzer has to find it."""

from evpn.wire.errors import WireError
from evpn.wire.pmsi import INGRESS_REPLICATION, PmsiTunnel

MISTAKE = "ingress replication over IPv6 is taken for a mistake"
SEEDS = {"none": bytes(5)}
WORDS = ()
LONGEST = 64


def check(octets: bytes) -> None:
    try:
        tunnel = PmsiTunnel.decode(octets)
    except WireError:
        return
    assert tunnel.kind != INGRESS_REPLICATION or len(tunnel.endpoint) != 16, MISTAKE
