"""When the kernel is looked at though it has told of nothing: at some rows every few minutes, at all now and then.

FRR never looks, and who has nothing to do is to use next to nothing. So a level check, of all there is, is rare where
it takes long. What befalls very many rows, some show within minutes (`evpn.agent.spot`), and then all are looked at.
"""

EACH, SPOT = 60.0, 300.0
"""Seconds between two level checks at least, and between two spot checks."""
TAKES, PER_PAIR = 5e-6, 1.5e-10
"""Seconds that a level check takes for a MAC or a neighbor; and that a dump for rows that nobody knows of takes, where
there are very many, divided by the square of the rows."""
SHARE = 20_000
"""The least multiple of what either takes until the next one: at most 0.005 % of a core, or one in EACH."""
DOUBT_SHARE = 100
"""The least multiple where it may be needed again and again: a row was found to be other than believed, removals were
not heard, or a dump has given way. At most 1 %."""
SOON, SOON_SHARE = 5.0, 2
"""Seconds, and the least multiple, after a time in which not everything was heard."""
RETRY = 1.0
"""Seconds after which a level check is tried again that has failed, or, for EACH at most, has to wait for rows."""


class Checks:
    """`level` and `spot`: monotonic seconds before which there is nothing to do."""

    def __init__(self) -> None:
        self.level = self.spot = 0.0
        self._latest = self._last = 0.0
        self._has_reason = False
        self._strangers_since = 0.0
        """From when on there may be strangers."""
        self._strangers_wanted = False
        """Whether they are looked for at the next opportunity."""

    def begin(self, now: float, strangers: bool = True) -> None:
        """All is about to be looked at; `strangers`: also those that nobody knows of."""
        self._last = now
        self._has_reason = False
        self.level, self.spot = now + EACH, now + SPOT
        if self._strangers_wanted and not strangers:
            self._ask(now + EACH)

    def retry(self, now: float) -> None:
        """The level check has failed."""
        self._ask(now + RETRY)

    def want(self, now: float) -> None:
        """A level check now, and strangers."""
        self._ask(now)
        self._strangers_wanted = True

    def doubt(self, now: float, rows: int) -> None:
        """A spot check has found something; `rows`: how many there are."""
        self._ask(max(now, self._last + max(EACH, DOUBT_SHARE * TAKES * rows)))

    def missed_removals(self, now: float, rows: int) -> None:
        """They were not heard, and now they are again, as after each burst of a fabric that is never at rest."""
        takes = TAKES * rows
        self._ask(max(now + max(SOON, SOON_SHARE * takes), self._last + DOUBT_SHARE * takes))

    def missed_additions(self, now: float) -> None:
        """Who has written over rows of ours meanwhile will hardly have written over few."""
        self.spot = min(self.spot, now + SOON)

    def take_level(self, now: float, rows: int, calm: bool) -> bool:
        """Whether it is to be made now, or is put off. `calm`: all is heard; else rows are written, and it waits."""
        if now < self.level:
            return False
        usual = self._last + max(EACH, SHARE * TAKES * rows)
        if not self._has_reason and now < usual:
            self.level = min(usual, now + SPOT)  # there may be fewer by then
            return False
        if not self._has_reason:
            self._ask(now)
        if calm or now >= self._latest:
            return True
        self.level = now + RETRY
        return False

    def take_spot(self, now: float, calm: bool) -> bool:
        """The same of a spot check; what is not heard would be found to be other than believed."""
        if now < self.spot:
            return False
        self.spot = now + (SPOT if calm else EACH)
        return calm

    def are_strangers_due(self, now: float, pairs: int, calm: bool) -> bool:
        """Never while rows are written: each would have to wait for a part of the dump. `pairs`: rows, squared."""
        return calm and (self._strangers_wanted or now >= self._strangers_since + SHARE * PER_PAIR * pairs)

    def found_strangers(self, now: float) -> None:
        """All that there are."""
        self._strangers_since, self._strangers_wanted = now, False

    def left_strangers(self, now: float, pairs: int, dumped: float | None) -> None:
        """There may be some. `dumped`: seconds after which the dump that would have found them gave way to writers."""
        self._strangers_wanted = True
        soon = max(SOON, SOON_SHARE * PER_PAIR * pairs)
        self._ask(now + (soon if dumped is None else max(EACH, DOUBT_SHARE * dumped)))

    def _ask(self, moment: float) -> None:
        """One that waits already does not wait longer for that."""
        if self._has_reason:
            self.level, self._latest = min(self.level, moment), min(self._latest, moment + EACH)
        else:
            self.level, self._latest = moment, moment + EACH
        self._has_reason = True
