"""On the PYTHONPATH of a process: its time of day is what it is, and the seconds in the file SET_CLOCK more."""

import os
import time
from pathlib import Path

_true = time.time
_file = Path(os.environ["SET_CLOCK"])


def _set() -> float:
    return _true() + float(_file.read_text() or 0)


time.time = _set
