"""`ipsec` and `firewall` in a configuration, and what ESP takes of each packet."""

import re
from pathlib import Path
from typing import Any

import pytest

from evpn.agent.vxlan import OVERHEAD_IPV4, OVERHEAD_IPV6
from evpn.config.errors import ConfigError
from evpn.config.ipsec import share
from evpn.config.load import loads
from evpn.config.render import render
from evpn.config.settings import EspProposal, Ipsec
from tests.config.files import a_config, refusal, text

PSK = "correct-horse-battery-staple"
PREFIXES = ["10.0.0.0/24", "10.1.0.0/16"]


def an_ipsec(**keys: Any) -> dict[str, Any]:
    return {"vteps": PREFIXES, "psk": PSK} | {key.replace("_", "-"): value for key, value in keys.items()}


def test_a_secret_for_all() -> None:
    wanted = Ipsec(tuple(PREFIXES), PSK, None, None, EspProposal.AES256GCM16, False)
    assert a_config(ipsec=an_ipsec()).ipsec == wanted
    assert PSK not in repr(wanted)


def test_nothing_unless_it_is_asked_for() -> None:
    assert (a_config().ipsec, a_config().firewall) == (None, False)
    assert a_config(firewall=True).firewall


def test_a_secret_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "psk"
    secret.write_text(f"{PSK}\n")
    secret.chmod(0o600)
    source = text(ipsec={"vteps": PREFIXES, "psk-file": "psk"})
    settings = loads(source, tmp_path / "vtep.yaml")
    assert settings.ipsec is not None
    assert settings.ipsec.psk == PSK

    secret.chmod(0o644)
    with pytest.raises(ConfigError, match=r"ipsec\.psk-file: .*psk can be read by everybody"):
        loads(source, tmp_path / "vtep.yaml")
    secret.chmod(0o600)
    secret.write_text("short")
    with pytest.raises(ConfigError, match=r"ipsec\.psk-file: psk holds no usable psk"):
        loads(source, tmp_path / "vtep.yaml")


ONE_WAY = "ipsec: found both a psk and a certificate, or none; accepted: psk, psk-file or certificate"


@pytest.mark.parametrize(
    "ipsec, complaint",
    [
        ({"psk": PSK}, "ipsec.vteps: missing; accepted: a list, each a prefix such as 10.0.0.0/24"),
        ({"vteps": [], "psk": PSK}, "ipsec.vteps: found an empty list"),
        ({"vteps": ["10.0.0.1/24"], "psk": PSK}, "ipsec.vteps[0]: 10.0.0.1/24 has host bits set"),
        ({"vteps": ["2001:db8::/64"], "psk": PSK}, "ipsec.vteps[0]: found 2001:db8::/64; accepted: a prefix of the"),
        ({"vteps": PREFIXES}, ONE_WAY),
        (an_ipsec(certificate="vtep.pem"), ONE_WAY),
        (an_ipsec(ca="ca.pem"), "ipsec.ca: found without a certificate"),
        (an_ipsec(psk_file="psk"), "ipsec.psk-file: found beside psk; accepted: one of the two"),
        ({"vteps": PREFIXES, "certificate": "a.pem"}, "ipsec.ca: missing"),
        ({"vteps": PREFIXES, "certificate": "../a.pem", "ca": "b"}, "ipsec.certificate: found '../a.pem'"),
        (an_ipsec(esp_proposal="null"), "ipsec.esp-proposal: found 'null'; accepted: aes128gcm16, aes256gcm16, "),
    ],
)
def test_a_mistake_is_one_line(ipsec: dict[str, Any], complaint: str) -> None:
    assert refusal(text(ipsec=ipsec)).startswith(f"vtep.yaml: {complaint}")


def test_no_message_shows_the_secret() -> None:
    for ipsec in (an_ipsec(psk="tooshort-hunter"), an_ipsec(pskk="tooshort-hunter")):
        assert "hunter" not in refusal(text(ipsec=ipsec))


@pytest.mark.parametrize(
    "mtu, nat, octets", [(1500, False, 34), (1501, False, 35), (1503, False, 37), (9000, False, 34), (1500, True, 42)]
)
def test_what_esp_takes(mtu: int, nat: bool, octets: int) -> None:
    """What is left, filled up to a multiple of 4, is as long as the underlay takes, and no longer (RFC 4303)."""
    ipsec = a_config(ipsec=an_ipsec(nat_traversal=nat)).ipsec
    assert ipsec is not None
    assert share(ipsec, mtu) == octets
    for header in (20, 40):
        protected = mtu - header - octets
        assert on_the_wire(header, protected, nat) <= mtu < on_the_wire(header, protected + 1, nat)


def on_the_wire(header: int, protected: int, nat: bool) -> int:
    padded = (protected + 2 + 3) // 4 * 4
    return header + 8 * nat + 8 + 8 + padded + 16


def test_both_directions_of_each_port_are_protected() -> None:
    settings = a_config(ipsec=an_ipsec(), vnis=[{"vni": 100}, {"vni": 200, "port": 8472}])
    lines = {line.strip() for line in render("swanctl", settings).splitlines()}
    for port in (4789, 8472):
        assert f"remote_ts = 10.0.0.0/24[udp/{port}],10.1.0.0/16[udp/{port}]" in lines
        assert f"local_ts = 10.0.0.3[udp/{port}]" in lines
    assert PSK not in render("swanctl", settings)  # any character may be in it, so it is in base 64


def test_certificates() -> None:
    settings = a_config(ipsec={"vteps": PREFIXES, "certificate": "vtep.pem", "ca": "ca.pem"})
    lines = {line.strip() for line in render("swanctl", settings).splitlines()}
    assert {"certs = vtep.pem", "cacerts = ca.pem", "auth = pubkey"} <= lines
    assert not {"auth = psk", "secrets {"} & lines


def test_without_ipsec_there_is_nothing_to_render() -> None:
    with pytest.raises(ConfigError, match="no ipsec in the configuration; accepted: a file with it"):
        render("swanctl", a_config())


def test_the_table_of_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "ipsec.md").read_text()
    rows = [[int(cell) for cell in row] for row in re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", page, re.M)]
    plain, nat = (a_config(ipsec=an_ipsec(nat_traversal=nat)).ipsec for nat in (False, True))
    assert plain is not None
    assert nat is not None
    for mtu, *shown in rows:
        left = [mtu - OVERHEAD_IPV4 - share(plain, mtu), mtu - OVERHEAD_IPV4 - share(nat, mtu)]
        assert shown == [*left, mtu - OVERHEAD_IPV6 - share(plain, mtu)]
    assert rows
