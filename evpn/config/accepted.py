"""The configuration that was accepted last, kept beside the control socket.

An agent that ExaBGP starts again reads this one: what has been written into the file since, right or wrong, is not in
force before a reload has accepted it.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from evpn.config.load import load, loads
from evpn.config.settings import Settings
from evpn.files import replacing

VARIABLE = "EVPN_ACCEPTED"
"""Names the copy for the agents of `evpn run`."""
_NAME = "accepted.yaml"


def copy_of(settings: Settings) -> Path:
    return settings.run_dir / _NAME


@contextmanager
def keeping(settings: Settings) -> Iterator[None]:
    """It is in force unless what is done meanwhile fails. Mode 0600: there may be passwords in it."""
    copy = copy_of(settings)
    try:
        text = settings.path.read_bytes()
        with replacing(copy) as stream:
            stream.write(text)
            stream.flush()  # now it is known whether there is room for it
            yield
    except OSError as error:
        if error.filename is None:
            error.filename = os.fspath(copy)  # a disk that is full does not say of what
        raise


def keep(settings: Settings) -> None:
    with keeping(settings):
        pass


def load_accepted(path: Path) -> Settings:
    """The copy if there is one; it counts as `path`, whose name stands in errors and beside which other files lie."""
    copy = Path(os.environ.get(VARIABLE, ""))
    return loads(copy.read_text(), path) if copy.is_file() else load(path)
