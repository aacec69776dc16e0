"""The variables against ExaBGP itself: it must know each of them, and see what we say."""

import json
import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest

from evpn.config.environment import environment
from tests.config.files import a_config

ASK = """
import json
from exabgp.environment import getenv
env = getenv()
print(json.dumps({
    "ack": env.api.ack, "cli": env.api.cli, "respawn": env.api.respawn, "terminate": env.api.terminate,
    "user": env.daemon.user, "umask": env.daemon.umask, "level": env.log.level, "destination": env.log.destination,
    "bind": [address.top() for address in env.tcp.bind], "port": env.tcp.port,
}))
"""


def test_exabgp_sees_what_we_say_even_when_the_user_said_otherwise() -> None:
    inherited = {"exabgp_api_ack": "true", "exabgp_log_level": "DEBUG", "exabgp_tcp_bind": "192.0.2.1"}
    variables = os.environ | inherited | environment(a_config(local_address="10.0.0.9"))
    answer = subprocess.run([sys.executable, "-c", ASK], env=variables, capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == {
        "ack": False,
        "cli": False,
        "respawn": True,
        "terminate": True,
        "user": pwd.getpwuid(os.geteuid()).pw_name,
        "umask": 0o077,
        "level": "WARNING",
        "destination": "stderr",
        "bind": ["10.0.0.9"],
        "port": 179,
    }


def test_exabgp_knows_every_variable() -> None:
    from exabgp.environment.setup import CONFIGURATION

    names = [name.split(".")[1:] for name in environment(a_config()) if name.startswith("exabgp.")]
    assert [f"{section}.{option}" for section, option in names if option not in CONFIGURATION[section]] == []


def test_its_files_are_in_the_run_directory() -> None:
    variables = environment(a_config(run_dir="/run/other"))
    assert variables["EXABGP_ROOT"] == "/run/other"
    assert Path(variables["EXABGP_ENVFILE"]).parent == Path("/run/other")


def test_a_user_without_a_name_is_no_obstacle(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody_knows(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody_knows)
    assert environment(a_config())["exabgp.daemon.user"] == "nobody"
