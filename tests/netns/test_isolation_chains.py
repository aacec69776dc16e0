"""Chains that isolate bridges, by a real `nft`: with the bridge, and not after it."""

import subprocess
from collections.abc import Iterator

import pytest

from evpn.netlink.isolation import guard, guarded, is_isolated
from evpn.netlink.links import Links
from tests.namespaces import Namespace

pytestmark = pytest.mark.kernel


@pytest.fixture
def namespace() -> Iterator[Namespace]:
    with Namespace("chains") as made, made.entered():
        yield made


@pytest.fixture
def links() -> Iterator[Links]:
    opened = Links()
    yield opened
    opened.close()


def chains(namespace: Namespace) -> str:
    return namespace.run("nft", "list", "ruleset")


def test_a_bridge_that_we_make_is_guarded(namespace: Namespace, links: Links) -> None:
    links.create_bridge("br-a.1")

    assert guarded() == {"dev_br_2da_2e1"}
    assert 'device "br-a.1"' in chains(namespace)


def test_the_chain_of_a_bridge_that_is_gone_goes(namespace: Namespace, links: Links) -> None:
    links.create_bridge("br100")
    links.create_bridge("br200")
    namespace.run("ip", "link", "del", "br100")

    assert guarded() == {"dev_br200"}
    assert "br100" not in chains(namespace)


def test_a_bridge_of_somebody_else_is_not_caught_by_the_chain_of_ours(namespace: Namespace, links: Links) -> None:
    links.create_bridge("br100")
    for line in ("link del br100", "link add br100 type bridge", "address add 192.0.2.1/24 dev br100"):
        namespace.run("ip", *line.split())
    guarded()

    assert "br100" not in chains(namespace)


def test_rules_that_somebody_has_flushed_are_missed_and_put_back(namespace: Namespace, links: Links) -> None:
    links.create_bridge("br100")
    before = chains(namespace)
    namespace.run("nft", "flush", "chain", "netdev", "evpn", "dev_br100")
    assert guarded() == set()

    guard("br100")
    assert guarded() == {"dev_br100"}
    assert chains(namespace) == before


def test_chains_of_others_are_theirs(namespace: Namespace) -> None:
    namespace.run("nft", "add table netdev evpn; add chain netdev evpn mine; add table netdev other")
    namespace.run("nft", "add chain netdev other dev_br7")
    before = chains(namespace)

    assert guarded() == set()
    assert chains(namespace) == before


def test_a_bridge_that_goes_while_it_is_looked_at_is_not_isolated(namespace: Namespace, links: Links) -> None:
    """Its settings go one by one, each maybe after it was seen to be there."""
    links.create_bridge("br100")
    assert is_isolated("br100")
    commands = "link add br100 type bridge\nlink del br100\n" * 20
    with subprocess.Popen(["ip", "-batch", "-"], stdin=subprocess.PIPE, text=True) as ip:
        assert ip.stdin is not None
        ip.stdin.write(f"link del br100\n{commands}")
        ip.stdin.close()
        while ip.poll() is None:
            is_isolated("br100")
    assert ip.returncode == 0
    assert not is_isolated("br100")
