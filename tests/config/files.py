"""Configuration files for tests: a whole small one, and a way to say what differs in it."""

from pathlib import Path
from typing import Any

import yaml

from evpn.config.load import loads
from evpn.config.settings import Settings, VniSettings

FILE = Path("vtep.yaml")


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
