"""`python -m tests.chaos [--seed N] [--minutes M]`: rounds of faults, each of a seed of its own and on a new fabric.

A round that fails is had again by its seed: `--seed N --rounds 1`. Its faults with their times and all logs are kept.
"""

import argparse
import os
import random
import signal
import sys
import time
from typing import NoReturn

from tests.chaos.round import play

ROUND = 60.0
"""Seconds of faults in a round."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=None, help="of the first round, the next one's is one more")
    parser.add_argument("--minutes", type=float, default=5, help="of faults, in rounds of one minute at most")
    parser.add_argument("--rate", type=float, default=1.0, help="faults a second")
    parser.add_argument("--verbose", action="store_true", help="every step, also of rounds that go well")
    given = parser.parse_args()
    if os.geteuid():
        print("chaos needs root: it makes network namespaces and runs FRR in them", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, _leave)
    seed = random.SystemRandom().randrange(1 << 32) if given.seed is None else given.seed
    left, failed = given.minutes * 60, []
    began = time.monotonic()
    while left > 0:
        report = play(seed, min(left, ROUND), given.rate)
        print(*(report.done if given.verbose and not report.complaints else ()), report, sep="\n", flush=True)
        failed += [seed] if report.complaints else []
        left, seed = left - ROUND, seed + 1
    minutes = (time.monotonic() - began) / 60
    print(f"{given.minutes:g} minutes of faults in {minutes:.1f} minutes, seeds that failed: {failed or 'none'}")
    return 1 if failed else 0


def _leave(number: int, frame: object) -> NoReturn:
    """As Ctrl-C does: what was made is removed."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
