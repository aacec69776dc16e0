"""Hold and keepalive timers by a clock that nobody sets.

Surfaces: the name `time` in `exabgp.bgp.timer` and in `exabgp.reactor.delay`. ExaBGP counts seconds by the time of day:
set forward by more than the hold time, every session ends at once; set back, no keepalive is sent until the old time
has come again, and the peers end them.
"""

from time import monotonic

from exabgp.bgp import timer
from exabgp.reactor import delay


class Steady:
    """Stands where they look for the module `time`, of which they use this only."""

    time = staticmethod(monotonic)


def install() -> None:
    timer.time = Steady
    delay.time = Steady
