"""Routes in the configuration file: where a mistake is, and that a file with one changes nothing."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from evpn.exabgp.extension.configuration import line_of

FILE = """# of a test

process helper { run /bin/cat; encoder json; }

neighbor 10.0.0.1 {
  router-id 10.0.0.3; local-address 10.0.0.3; local-as 65000; peer-as 65000;
  family { l2vpn evpn; }
  api { processes [ helper ]; }
  announce { l2vpn {
    evpn multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop self;
  } }
}
neighbor 10.0.1.1 {
  router-id 10.0.0.3; local-address 10.0.1.3; local-as 65000; peer-as 65000;
  family { l2vpn evpn; }
  announce { l2vpn {
    evpn multicast rd 10.0.0.3:100 ip 10.0.0.3 \\
      next-hop self; # over two lines
    evpn mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni [ 100, 5000 ] next-hop self; evpn ROUTE;
  } }
}
"""

FINE = 'prefix rd 1:1 prefix 192.0.2.0/24 vni 5000 next-hop 2001:db8::3 origin "egp" extended-community 1:1'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "exabgp.conf"
    path.write_text(FILE.replace("ROUTE", FINE))
    return path


@pytest.fixture
def configuration(installed: list[str], path: Path) -> Any:
    from exabgp.configuration.configuration import Configuration
    from exabgp.rib import RIB

    RIB._cache.clear()
    return Configuration([str(path)])


def announced(configuration: Any) -> dict[str, list[str]]:
    """By neighbor."""
    return {
        str(neighbor["peer-address"]): [change.extensive() for change in neighbor.rib.outgoing.cached_changes()]
        for neighbor in configuration.neighbors.values()
    }


FLOOD = "multicast rd 10.0.0.3:100 ip 10.0.0.3 next-hop"


def test_routes_are_announced_to_their_neighbor_with_its_own_next_hop(configuration: Any) -> None:
    assert configuration.reload(), configuration.error
    assert announced(configuration) == {
        "10.0.0.1": [f"{FLOOD} 10.0.0.3"],
        "10.0.1.1": [
            f"{FLOOD} 10.0.1.3",
            "mac-ip rd 10.0.0.3:100 mac 50:54:33:00:00:09 vni [ 100 5000 ] next-hop 10.0.1.3",
            "prefix rd 1:1 prefix 192.0.2.0/24 vni 5000 next-hop 2001:db8::3 origin egp"
            " extended-community [ target:1:1 ]",
        ],
    }


@pytest.mark.parametrize(
    ("route", "reason"),
    [
        ("mac-ip", "mac-ip: rd, mac, vni, next-hop: missing"),
        ("", "'' is not one of: ethernet-ad, mac-ip"),
        ("mac-ip vni [ 1 2", "mac-ip: vni: a value is missing (word 6, behind: [ 1 2)"),
        ("prefix rd 1", "prefix: rd: '1' is not a route distinguisher such as 10.0.0.3:100 or 65000:100 (word 3, "),
        ("prefix watchdog w", "prefix: 'watchdog' is not for EVPN: "),
        ("multicast ip vtepé", "multicast: ip: 'vtepé' is not an IPv4 or IPv6 address (word 3, behind: ip)"),
    ],
)
def test_a_mistake_is_told_with_its_line(configuration: Any, path: Path, route: str, reason: str) -> None:
    path.write_text(FILE.replace("ROUTE", route))

    assert configuration.reload() is False
    assert f"\n{path} line 19: {reason}" in str(configuration.error)


def test_nothing_of_a_file_with_a_mistake_comes_into_force(configuration: Any, path: Path) -> None:
    configuration.reload()
    before, processes = announced(configuration), dict(configuration.processes)
    changed = path.read_text().replace("rd 10.0.0.3:100", "rd 10.0.0.3:200")

    for mistake in (
        changed.replace("5000 ]", "16777216 ]"),
        changed.replace("vni 5000", "vni"),
        changed.replace('"egp"', '"egp'),
        changed.replace("process helper", "process other"),
        changed.replace("peer-as 65000", "peer-as of-the-peer"),
        changed.replace("/bin/cat", "/bin/no-such-program"),
        "",
    ):
        path.write_text(mistake)
        assert configuration.reload() is False
        assert str(configuration.error)
        assert announced(configuration) == before
        assert configuration.processes.keys() == processes.keys()

    path.unlink()
    assert configuration.reload() is False
    assert str(configuration.error) == f"{path} is not a file that can be read"
    assert announced(configuration) == before


def test_and_a_file_without_one_does(configuration: Any, path: Path) -> None:
    configuration.reload()
    good = path.read_text()
    path.write_text(good.replace("vni 5000", "vni"))
    configuration.reload()

    path.write_text(good.replace("mac 50:54:33:00:00:09", "mac 50:54:33:00:00:0a"))

    assert configuration.reload() is True
    assert "mac 50:54:33:00:00:0a" in str(announced(configuration)["10.0.1.1"])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a b;", 1),
        ("\n\n  a\tb ; # c\n", 3),
        ("x; a b; y;", 1),
        ("x {\n y; a b; }\n a b;", 2),
        ("x \\\n y;\n a \\\n b;", 3),
        ("a;\nb;", None),
        ("", None),
    ],
)
def test_the_line_of_a_statement(text: str, line: int | None) -> None:
    assert line_of(["a", "b", ";"], text.split("\n")) == line


def test_an_end_of_rib_of_a_session_that_is_over_is_not_sent_in_the_next(installed: list[str]) -> None:
    from exabgp.bgp.neighbor import Neighbor

    neighbor = Neighbor()
    neighbor.rib = SimpleNamespace(reset=lambda: None)
    neighbor.eor.append("asked for")

    neighbor.reset_rib()

    assert not neighbor.eor
