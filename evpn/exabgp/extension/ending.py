"""The exit code says why ExaBGP ended: a service manager has to know a failure from a stop.

Surfaces: `Reactor._termination` and `Reactor.run`. ExaBGP notes its reason, then takes its own way out for a stop that
somebody asked for, and ends with 0; a helper that keeps dying looked like a wish of the operator's.
"""

from typing import Any

from exabgp.reactor.loop import Reactor

_stock_termination = Reactor._termination
_stock_run = Reactor.run
_noted: list[int] = []


def install() -> None:
    Reactor._termination = termination
    Reactor.run = run


def termination(self: Any, reason: str, exit_code: int) -> None:
    _noted.append(exit_code)
    _stock_termination(self, reason, exit_code)


def run(self: Any) -> int:
    """ExaBGP's own code, or the first reason that was no success."""
    code: int = _stock_run(self)
    return code or next(filter(None, _noted), 0)
