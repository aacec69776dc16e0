from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from evpn.delta import Changes, DeltaTable

MOVES = [("mac1", "vtep1"), ("mac1", "vtep2"), ("mac2", "vtep1"), ("mac2", None)]
LAST_WORD = {"mac1": "vtep2"}


class FarSide:
    """Takes what it does not refuse."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.refuses: set[str] = set()
        self.batches: list[Changes[str, str]] = []

    def apply(self, batch: Changes[str, str]) -> set[str]:
        self.batches.append(batch)
        for key, _, new in batch:
            if key in self.refuses:
                continue
            if new is None:
                self.rows.pop(key, None)
            else:
                self.rows[key] = new
        return self.refuses & set(batch.keys)


def push_batch(table: DeltaTable[str, str], far: FarSide, limit: int = 512, removals: bool = False) -> None:
    """What was refused waits."""
    batch = table.batch(limit, removals)
    refused = far.apply(batch) if batch else ()
    for key in batch.keys:
        if key in refused:
            table.postpone(key)
    table.observe_batch(batch.where([key not in refused for key in batch.keys]))


def push(table: DeltaTable[str, str], far: FarSide, limit: int = 512) -> None:
    """Writes, then removals, until only what is refused is left."""
    while table.writes:
        push_batch(table, far, limit)
    while table.removals:
        push_batch(table, far, limit, removals=True)


@pytest.mark.parametrize("batching", ["every step", "at the end"])
@pytest.mark.parametrize("moves", list(permutations(MOVES)))
def test_the_far_side_holds_the_last_word_in_any_order_and_batching(moves, batching) -> None:
    table, far = DeltaTable[str, str](), FarSide()

    for mac, vtep in moves:
        table.want(mac, vtep)
        if batching == "every step":
            push(table, far)
    push(table, far)

    assert far.rows == {mac: vtep for mac, vtep in dict(moves).items() if vtep}
    assert table.pending == 0


def test_a_key_that_flaps_ten_times_between_two_batches_is_one_write() -> None:
    table = DeltaTable[str, str]()

    for n in range(10):
        table.want("mac1", f"vtep{n}")

    assert list(table.batch(512)) == [("mac1", None, "vtep9")]


def test_a_key_that_flaps_back_to_what_is_there_is_no_write() -> None:
    table = DeltaTable[str, str]()
    table.observe("mac1", "vtep1")
    table.want("mac1", "vtep1")

    table.want("mac1", "vtep2")
    table.want("mac1", "vtep1")

    assert list(table.batch(512)) == []
    assert table.pending == 0


def test_a_batch_is_the_oldest_differences_first_and_no_larger_than_asked_for() -> None:
    table = DeltaTable[str, str]()
    for mac in ("mac1", "mac2", "mac3"):
        table.want(mac, "vtep1")

    assert table.batch(2).keys == ["mac1", "mac2"]


def test_removals_wait_in_a_queue_of_their_own() -> None:
    table = DeltaTable[str, str]()
    table.want("mac1", "vtep1")
    table.observe("mac1", "vtep1")

    table.want("mac1", None)
    table.want("mac2", "vtep1")

    assert list(table.batch(512)) == [("mac2", None, "vtep1")]
    assert list(table.batch(512, removals=True)) == [("mac1", "vtep1", None)]


def test_what_is_observed_and_never_wanted_is_a_removal() -> None:
    table = DeltaTable[str, str]()

    table.observe("mac1", "vtep1")

    assert list(table.batch(512, removals=True)) == [("mac1", "vtep1", None)]


def test_drift_is_a_difference_again() -> None:
    table, far = DeltaTable[str, str](), FarSide()
    table.want("mac1", "vtep1")
    push(table, far)

    table.observe("mac1", "vtep9")

    assert list(table.batch(512)) == [("mac1", "vtep9", "vtep1")]


def test_a_dump_says_what_is_there_and_what_is_not() -> None:
    table = DeltaTable[str, str]()
    for mac in ("mac1", "mac2"):
        table.want(mac, "vtep1")
        table.observe(mac, "vtep1")

    table.observe_all({"mac2": "vtep1", "mac3": "vtep1"})

    assert list(table.batch(512)) == [("mac1", None, "vtep1")]
    assert list(table.batch(512, removals=True)) == [("mac3", "vtep1", None)]


def test_what_is_refused_waits_and_the_rest_goes_on() -> None:
    table, far = DeltaTable[str, str](), FarSide()
    far.refuses = {"mac1"}
    for mac in ("mac1", "mac2"):
        table.want(mac, "vtep1")

    push_batch(table, far)

    assert far.rows == {"mac2": "vtep1"}
    assert table.pending == 1
    assert list(table.batch(512)) == []


def test_a_refused_key_is_tried_again_when_told_to() -> None:
    table, far = DeltaTable[str, str](), FarSide()
    far.refuses = {"mac1"}
    table.want("mac1", "vtep1")
    push(table, far)
    far.refuses = set()

    table.retry(["mac1", "mac9"])
    push(table, far)

    assert far.rows == {"mac1": "vtep1"}
    assert table.pending == 0


def test_a_new_wish_does_not_wait_for_the_retry_of_an_old_one() -> None:
    table = DeltaTable[str, str]()
    table.want("mac1", "vtep1")
    table.postpone("mac1")

    table.want("mac1", "vtep2")

    assert list(table.batch(512)) == [("mac1", None, "vtep2")]


@pytest.mark.parametrize("news", ["the same wish", "half of what was wanted"])
def test_a_refused_key_waits_whatever_else_is_heard_of_it(news: str) -> None:
    table = DeltaTable[str, str]()
    table.want("mac1", "vtep1")
    table.postpone("mac1")

    if news == "the same wish":
        table.want("mac1", "vtep1")
    else:
        table.observe("mac1", "vtep9")

    assert list(table.batch(512)) == []
    assert table.pending == 1


@pytest.mark.parametrize("ending", ["no longer wanted", "there after all"])
def test_a_refused_key_is_settled_once_nothing_differs(ending: str) -> None:
    table = DeltaTable[str, str]()
    table.want("mac1", "vtep1")
    table.postpone("mac1")

    if ending == "no longer wanted":
        table.want("mac1", None)
    else:
        table.observe("mac1", "vtep1")

    assert table.pending == 0


def test_only_what_is_pending_can_be_postponed() -> None:
    table = DeltaTable[str, str]()

    table.postpone("mac1")

    assert table.pending == 0


KEYS = st.sampled_from(["mac1", "mac2", "mac3", "mac4"])
VALUES = st.none() | st.sampled_from(["vtep1", "vtep2"])


class Reconciliation(RuleBasedStateMachine):
    """A far side that refuses, forgets, drifts, and sometimes tells us."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.far = DeltaTable[str, str](), FarSide()
        self.wanted: dict[str, str] = {}
        self.flights: list[Changes[str, str]] = []
        """Batches that the far side has not answered yet; meanwhile nothing is heard of it."""

    @rule(keys=st.sets(KEYS), wishes=st.dictionaries(KEYS, st.sampled_from(["vtep1", "vtep2"])))
    def wish_many(self, keys: set[str], wishes: dict[str, str]) -> None:
        wishes = {key: value for key, value in wishes.items() if key in keys}
        self.table.want_batch(list(keys), wishes)
        self.wanted = {key: value for key, value in self.wanted.items() if key not in keys} | wishes

    @precondition(lambda self: len(self.flights) < 2)
    @rule(limit=st.integers(1, 3), removals=st.booleans())
    def launch(self, limit: int, removals: bool) -> None:
        batch = self.table.batch(limit, removals)
        assert not self.flying & set(batch.keys)
        assert batch.old == list(map(self.table.actual.get, batch.keys))
        assert batch.new == list(map(self.table.desired.get, batch.keys))
        if batch:
            self.table.launch(batch)
            self.flights.append(batch)

    @property
    def flying(self) -> set[str]:
        return {key for batch in self.flights for key in batch.keys}

    @precondition(lambda self: self.flights)
    @rule()
    def land(self) -> None:
        batch = self.flights.pop(0)
        refused = self.far.apply(batch)
        for key in refused:
            self.table.postpone(key)
        self.table.observe_batch(batch.where([key not in refused for key in batch.keys]))

    @rule(key=KEYS, value=VALUES)
    def wish(self, key: str, value: str | None) -> None:
        self.table.want(key, value)
        self.wanted.pop(key, None)
        if value is not None:
            self.wanted[key] = value

    @precondition(lambda self: not self.flights)
    @rule(key=KEYS, value=VALUES)
    def drift_with_notification(self, key: str, value: str | None) -> None:
        self.far.rows.pop(key, None)
        if value is not None:
            self.far.rows[key] = value
        self.table.observe(key, value)

    @precondition(lambda self: not self.flights)
    @rule(rows=st.dictionaries(KEYS, st.sampled_from(["vtep1", "vtep2"])))
    def restart_with_other_rows(self, rows: dict[str, str]) -> None:
        self.far.rows = dict(rows)
        self.table.observe_all(rows)

    @rule(keys=st.sets(KEYS))
    def refuse(self, keys: set[str]) -> None:
        self.far.refuses = keys

    @precondition(lambda self: not self.flights)
    @rule(limit=st.integers(1, 3), removals=st.booleans())
    def push_some(self, limit: int, removals: bool) -> None:
        push_batch(self.table, self.far, limit, removals)

    @rule(keys=st.none() | st.sets(KEYS))
    def retry(self, keys: set[str] | None) -> None:
        self.table.retry(keys)

    @invariant()
    def a_key_is_in_one_queue_exactly_while_it_differs(self) -> None:
        table = self.table
        queues = [*table.writes, *table.removals, *table.postponed]
        differs = {k for k in table.desired | table.actual if table.desired.get(k) != table.actual.get(k)}
        assert sorted(queues) == sorted(differs - self.flying)
        assert table.pending == len(differs | self.flying)
        assert table.writes == {key: table.desired[key] for key in table.writes}
        assert table.removals == {key: table.actual[key] for key in table.removals}

    @invariant()
    def actual_is_what_the_far_side_holds(self) -> None:
        assert self.table.actual == self.far.rows

    def teardown(self) -> None:
        """Faults have ceased."""
        self.far.refuses = set()
        while self.flights:
            self.land()
        self.table.retry()
        push(self.table, self.far, 2)
        assert self.far.rows == self.table.actual == self.table.desired == self.wanted
        assert self.table.pending == 0


TestReconciliation = Reconciliation.TestCase


@given(st.lists(st.tuples(KEYS, VALUES)), st.integers(1, 4), st.randoms())
def test_whenever_it_is_pushed_the_end_is_the_same(wishes, limit, random) -> None:
    table, far = DeltaTable[str, str](), FarSide()

    for key, value in wishes:
        table.want(key, value)
        if random.random() < 0.3:
            push_batch(table, far, limit)
    push(table, far, limit)

    assert far.rows == {key: value for key, value in dict(wishes).items() if value}
