"""The configuration that was accepted last, kept beside the control socket.

An agent that ExaBGP starts again reads this one: what has been written into the file since, right or wrong, is not in
force before a reload has accepted it.
"""

import os
from pathlib import Path

from evpn.config.load import load, loads
from evpn.config.settings import Settings

VARIABLE = "EVPN_ACCEPTED"
"""Names the copy for the agents of `evpn run`."""
_NAME = "accepted.yaml"


def copy_of(settings: Settings) -> Path:
    return settings.run_dir / _NAME


def keep(settings: Settings) -> None:
    """Mode 0600: there may be passwords in it."""
    text = settings.path.read_bytes()
    scratch = copy_of(settings).with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(text)
    scratch.replace(copy_of(settings))


def load_accepted(path: Path) -> Settings:
    """The copy if there is one; it counts as `path`, whose name stands in errors and beside which other files lie."""
    copy = Path(os.environ.get(VARIABLE, ""))
    return loads(copy.read_text(), path) if copy.is_file() else load(path)
