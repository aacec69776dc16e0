"""The fuzzer's process: `python -m tests.fuzz.instrumented TARGET LIBFUZZER-ARGUMENT ...`; it never returns."""

import sys
from importlib import import_module

import atheris


def main() -> None:
    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["evpn"]):
        target = import_module(name)
    atheris.Setup([sys.argv[0], *arguments], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
