import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evpn.lab.run import down
from evpn.lab.topology import Topology, decode

Lab = Callable[[str], Topology]


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A topology written down as NAME's, and removed at the end whatever the test left of it."""
    assert os.geteuid() == 0, "labs are made of namespaces: these tests need root"
    names: list[str] = []

    def write(text: str) -> Topology:
        file = tmp_path / "topology.clab.yml"
        file.write_text(text)
        topology = decode(text, file)
        names.append(topology.name)
        return topology

    yield write
    for name in names:
        down(name)
