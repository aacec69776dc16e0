"""Fuzz targets for a while: `python -m tests.fuzz [--seconds N] [--seed N] [TARGET ...]`.

What grows stays in `.fuzz/<target>`, so the next time goes on from there. Whatever is found is printed as a line for
`corpus/<target>.txt`; `--keep` prints the smallest set of lines that reaches everything reached so far.
"""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from tests.fuzz import TARGETS
from tests.fuzz.corpus import seeds
from tests.fuzz.process import fuzz
from tests.fuzz.smallest import smallest

GROWN = Path(".fuzz")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(TARGETS)}; all of them if none")
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations; 0 is another one each time")
    parser.add_argument("--keep", action="store_true", help="print lines for the corpus, and fuzz nothing")
    given = parser.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        parser.error(f"no target {', '.join(sorted(unknown))}")
    failed = False
    for name in given.targets or TARGETS:
        target = import_module(f"tests.fuzz.{name}")
        if given.keep:
            print(f"# {name}", *smallest(target, GROWN / name), sep="\n")
            continue
        options = (f"-max_total_time={given.seconds}", f"-seed={given.seed}")
        run = fuzz(target, seeds(target), GROWN / name, *options)
        failed |= bool(run.found)
        print(f"{name}: {run}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
