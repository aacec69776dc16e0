from collections.abc import Iterator
from typing import Any

import pytest
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension.install import install


@pytest.fixture(scope="session")
def installed() -> list[str]:
    """The extension in the ExaBGP of this process, for good: its warnings."""
    from exabgp.environment import getenv
    from exabgp.logger import log

    log.init(getenv())
    return install()


@pytest.fixture
def outgoing(installed: list[str]) -> Iterator[Any]:
    """The Adj-RIB-Out of a neighbour with EVPN and IPv4, its session up."""
    import exabgp.rib

    rib = exabgp.rib.RIB("neighbor of a test", False, True, [(AFI.ipv4, SAFI.unicast), (AFI.l2vpn, SAFI.evpn)])
    rib.outgoing.replace_restart([], [])
    yield rib.outgoing
    rib.uncache()
