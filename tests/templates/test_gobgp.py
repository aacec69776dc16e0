"""What is rendered for GoBGP, read by gobgpd and as TOML."""

import subprocess
import tempfile
import tomllib
from dataclasses import replace
from typing import Any

import pytest

from evpn.config.render import render
from tests.config.files import a_config
from tests.templates.test_templates import FILES, every_file


@pytest.mark.interop
@every_file
@pytest.mark.parametrize("ebgp", [False, True], ids=["iBGP", "eBGP"])
def test_gobgp_accepts_its_configuration(changes: dict[str, Any], ebgp: bool) -> None:
    settings = a_config(**changes)
    neighbor = replace(settings.neighbors[0], peer_as=65099 if ebgp else settings.local_as)
    assert complaints_of_gobgp(render("gobgp-route-reflector", settings, neighbor=neighbor)) == ""


@pytest.mark.interop
def test_gobgp_accepts_a_reflector_of_many() -> None:
    told = {"clients": ["10.0.0.3", "2001:db8::4"], "client_ranges": ["10.1.0.0/16", "2001:db8::/64"]}
    assert complaints_of_gobgp(render("gobgp-route-reflector", a_config(), **told)) == ""


@pytest.mark.interop
@pytest.mark.parametrize("words", [("peer-as", "peer-ass"), ("l2vpn-evpn", "l2vpn-evpm"), ("= 65000", "= many")])
def test_gobgp_would_have_complained(words: tuple[str, str]) -> None:
    assert complaints_of_gobgp(render("gobgp-route-reflector", a_config()).replace(*words))


def complaints_of_gobgp(config: str) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
        file.write(config)
        file.flush()
        command = ["gobgpd", "--dry-run", "-f", file.name]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout + answer.stderr if answer.returncode else ""


def test_gobgp_is_told_what_the_vtep_knows() -> None:
    settings = a_config(**FILES["two neighbors"])
    internal, external = (
        tomllib.loads(render("gobgp-route-reflector", settings, neighbor=neighbor)) for neighbor in settings.neighbors
    )
    (group,), (outside,) = internal["peer-groups"], external["peer-groups"]
    assert internal["global"]["config"] == {"as": 65000, "router-id": "10.0.0.1", "local-address-list": ["10.0.0.1"]}
    assert group["config"] == {"peer-group-name": "vteps", "peer-as": 65000, "auth-password": "a#;{}[]b"}
    assert group["route-reflector"]["config"]["route-reflector-client"]
    assert (group["transport"]["config"]["passive-mode"], outside["transport"]["config"]["passive-mode"]) == (
        True,
        False,
    )
    assert external["global"]["config"]["as"] == 4200000001
    assert outside["config"] == {"peer-group-name": "vteps"}  # any AS
    assert outside["ebgp-multihop"]["config"] == {"enabled": True, "multihop-ttl": 3}
    assert outside["timers"]["config"] == {"hold-time": 9, "keepalive-interval": 3}
    (policy,) = external["policy-definitions"]
    assert policy["statements"][0]["actions"]["bgp-actions"] == {"set-next-hop": "unchanged"}
    assert [one["neighbors"][0]["config"]["neighbor-address"] for one in (internal, external)] == ["10.0.0.3"] * 2


def test_an_awkward_password_reaches_gobgp() -> None:
    settings = a_config(**FILES["awkward password"])
    (group,) = tomllib.loads(render("gobgp-route-reflector", settings))["peer-groups"]
    assert group["config"]["auth-password"] == settings.neighbors[0].password
    assert "graceful-restart" not in group
