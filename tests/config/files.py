"""Configuration files for tests: a whole small one, and a way to say what differs in it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from evpn.config.errors import ConfigError
from evpn.config.load import loads
from evpn.config.settings import Settings, VniSettings

FILE = Path("vtep.yaml")

WHOLE = """
vtep-address: 10.0.0.3
router-id: 10.0.0.4
local-as: 65000
local-address: 10.0.0.5
neighbors:
  - address: 10.0.0.1
    peer-as: 65001
    hold-time: 9
    password: secret
    passive: true
    ebgp-multihop: 2
    graceful-restart: 0
    max-routes: 30
run-dir: /run/other
control-group: netops
metrics: "[::1]:9479"
discover: true
defaults:
  strategy: static-l2
vnis:
  - vni: 100
    device: tunnel
    bridge: lan
    create: false
    strategy: multicast
    rd: 10.0.0.3:7
    route-targets: {import: [65000:100, "*:7"], export: [65000:100]}
    neighbor-suppression: false
    learn-neighbors: [kernel]
    port: 8472
    mtu: 1450
    ports: [tap0, tap1]
    hosts:
      - {mac: 50:54:33:00:00:09, ip: ["192.0.2.9", "2001:db8::9"], sticky: true, port: tap1}
    duplicate-detection: {moves: 3, seconds: 60, action: freeze, recovery: 0}
    announce-moves: true
    multicast: {group: 239.1.1.1, device: eth0, ttl: 9}
    flood: true
    idle-timeout: 30
    max-macs: 10
    max-remote-macs: 20
hold-on-session-loss: 0
firewall: true
ipsec:
  vteps: [10.0.0.0/24]
  psk: sixteen-or-more-characters
  esp-proposal: aes128gcm16
  nat-traversal: true
"""
"""Has every key."""


def tree(**changes: Any) -> dict[str, Any]:
    """The smallest file, with underscores of `changes` for the hyphens of keys; None leaves a key out."""
    keys: dict[str, Any] = {
        "vtep-address": "10.0.0.3",
        "local-as": 65000,
        "neighbors": [{"address": "10.0.0.1"}],
        "vnis": [{"vni": 100}],
    }
    keys |= {key.replace("_", "-"): value for key, value in changes.items()}
    return {key: value for key, value in keys.items() if value is not None}


def text(**changes: Any) -> str:
    return yaml.safe_dump(tree(**changes), sort_keys=False)


def a_config(**changes: Any) -> Settings:
    return loads(text(**changes), FILE)


def a_vni(**keys: Any) -> VniSettings:
    """The settings of VNI 100 with these keys."""
    entry = {"vni": 100} | {key.replace("_", "-"): value for key, value in keys.items()}
    return a_config(vnis=[entry]).vnis[0]


def a_neighbor_file(**keys: Any) -> str:
    return text(neighbors=[{"address": "10.0.0.1"} | {key.replace("_", "-"): value for key, value in keys.items()}])


def refusal(source: str) -> str:
    """The one line for what is wrong with a file."""
    with pytest.raises(ConfigError) as caught:
        loads(source, FILE)
    return str(caught.value)
