"""What `evpn render swanctl` makes, in strongSwan: loaded, and two VTEPs agree by it.

ESP itself is not in every kernel that these tests run on: `make vm` sees it between two VTEPs (tests/vm/ipsec.py).
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from evpn.config.render import render
from tests.config.files import a_config

from .frr import Namespace, until
from .strongswan import StrongSwan

pytestmark = pytest.mark.interop

PSK = "correct-horse-battery-staple"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
FAMILIES = {4: ("10.0.0.", "10.0.0.0/24", 24), 6: ("2001:db8::", "2001:db8::/64", 64)}


def configuration(number: int, family: int, **ipsec: object) -> str:
    start, prefix, _ = FAMILIES[family]
    keys = {"vteps": [prefix], "psk": PSK} | ipsec
    settings = a_config(
        vtep_address=f"{start}{number}",
        router_id=f"10.0.0.{number}",
        neighbors=[{"address": f"{start}1"}],
        ipsec={key: value for key, value in keys.items() if value is not None},
    )
    return render("swanctl", settings)


@pytest.fixture
def two(tmp_path: Path, family: int) -> Iterator[tuple[StrongSwan, StrongSwan]]:
    with Namespace("ike-11") as a, Namespace("ike-12") as b:
        start, _, length = FAMILIES[family]
        a.run(*f"ip link add eth0 type veth peer name eth0 netns {b.name}".split())
        for node, number in ((a, 11), (b, 12)):
            node.run("ip", "address", "add", f"{start}{number}/{length}", "dev", "eth0", *["nodad"] * (family == 6))
            node.run("ip", "link", "set", "eth0", "up")
        with StrongSwan(a, tmp_path / "a") as one, StrongSwan(b, tmp_path / "b") as other:
            yield one, other


@pytest.mark.parametrize("family", [4, 6])
def test_two_vteps_agree(two: tuple[StrongSwan, StrongSwan], family: int) -> None:
    start, prefix, _ = FAMILIES[family]
    one, other = two
    for number, side in ((11, one), (12, other)):
        assert "successfully loaded 1 connections" in side.load(configuration(number, family))

    policies = one.namespace.run("ip", "xfrm", "policy")
    own = f"{start}11/{32 if family == 4 else 128}"
    for direction in (f"src {own} dst {prefix} proto udp dport 4789", f"src {prefix} dst {own} proto udp dport 4789"):
        assert direction in policies

    send(one.namespace, f"{start}12", 4789)
    until(lambda: "ESTABLISHED, IKEv2" in one.swanctl("--list-sas"))
    until(lambda: "ESTABLISHED, IKEv2" in other.swanctl("--list-sas"))
    assert f"remote '{start}12' @ {start}12[500]" in one.swanctl("--list-sas")


@pytest.mark.parametrize("family", [4])
def test_who_has_another_secret_gets_nowhere(two: tuple[StrongSwan, StrongSwan], family: int) -> None:
    one, other = two
    one.load(configuration(11, family))
    other.load(configuration(12, family, psk="another-secret-altogether"))
    send(one.namespace, "10.0.0.12", 4789)

    until(lambda: "AUTHENTICATION_FAILED" in one.log())
    assert "ESTABLISHED" not in one.swanctl("--list-sas")


@pytest.mark.parametrize("family", [4])
def test_other_packets_ask_for_nothing(two: tuple[StrongSwan, StrongSwan], family: int) -> None:
    one, other = two
    one.load(configuration(11, family))
    other.load(configuration(12, family))
    send(one.namespace, "10.0.0.12", 4790)
    one.namespace.run("ping", "-c", "1", "-W", "2", "10.0.0.12")

    assert one.swanctl("--list-sas") == ""


@pytest.mark.parametrize("family", [4])
def test_two_vteps_agree_by_certificates(two: tuple[StrongSwan, StrongSwan], family: int, tmp_path: Path) -> None:
    one, other = two
    openssl(
        "req", "-x509", *NEW_KEY, "-keyout", f"{tmp_path}/ca.key", "-out", f"{tmp_path}/ca.pem", "-subj", "/CN=vteps"
    )
    for number, side in ((11, one), (12, other)):
        certify(side.directory, f"vtep{number}", tmp_path)
        side.load(configuration(number, family, psk=None, certificate="vtep.pem", ca="ca.pem"))
    send(one.namespace, "10.0.0.12", 4789)

    until(lambda: "ESTABLISHED, IKEv2" in one.swanctl("--list-sas"))
    assert "remote 'CN=vtep12' @ 10.0.0.12[500]" in one.swanctl("--list-sas")


def certify(directory: Path, name: str, ca: Path) -> None:
    """Key, certificate and that of the CA, where swanctl looks for them."""
    for folder in ("x509", "x509ca", "private"):
        (directory / folder).mkdir()
    request, key = directory / "request", directory / "private" / "vtep.key"
    openssl("req", *NEW_KEY, "-keyout", str(key), "-out", str(request), "-subj", f"/CN={name}")
    signed = ("-CA", f"{ca}/ca.pem", "-CAkey", f"{ca}/ca.key", "-CAcreateserial")
    openssl("x509", "-req", "-in", str(request), *signed, "-out", str(directory / "x509" / "vtep.pem"))
    shutil.copy(ca / "ca.pem", directory / "x509ca")


def openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def send(node: Namespace, address: str, port: int) -> None:
    """One UDP packet."""
    line = f"echo -n x > /dev/udp/{address}/{port}"
    subprocess.run(node.command("bash", "-c", line), check=False, capture_output=True)
