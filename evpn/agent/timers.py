"""How long the loop may sleep."""

import math
from collections.abc import Iterable

LONGEST = 60.0
"""Seconds that it sleeps at most, but for a part of one."""
PATIENCE = 30.0
"""Seconds from which on a timer may be late by a part of one: what is due each minute is done together."""


def until(moments: Iterable[float | None], now: float) -> float:
    """Seconds until the first of them; None is never."""
    soonest = min((moment for moment in moments if moment is not None), default=now + LONGEST)
    if soonest - now >= PATIENCE:
        soonest = math.ceil(min(soonest, now + LONGEST))
    return max(0.0, soonest - now)
