"""A look that nobody waits for: what it finds is believed, however far it dumps, and whatever it has to wait for."""

import select
import time
from collections.abc import Callable

import pytest

from evpn.agent import looking
from evpn.agent.looking import Looking, Pauses
from evpn.dataplane.comparison import Found, Question
from evpn.netlink.columns import Place
from evpn.netlink.look import Domain, Reach
from evpn.values import Vni
from tests.builders import IP1, M1, M2, M3, VTEP2, VTEP3
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE, DEVICE, OTHER_PORT, PORT

from .vtep import BRIDGE_ROW, TUNNEL_ROW, Vtep, a_mac, a_vtep, tell

V100 = Vni(100)


class FakeLooker:
    """Looks at a fake kernel; of the VXLAN device only when it looks for strangers, as where there are very many."""

    def __init__(self, kernel: FakeKernel, whole: bool = False) -> None:
        self.kernel = kernel
        self.whole = whole
        self.takes_long = False
        self.questions: list[Question] = []

    def look(self, domains: list[Domain], give_way: Callable[[], bool]) -> dict[Vni, Found]:
        (domain,) = domains
        fdb, neighbors = self.kernel.dump(DEVICE, BRIDGE)
        if domain.reach is Reach.STRANGERS:
            while self.takes_long and not give_way():
                time.sleep(0.001)
            fdb = [row for row in fdb if row.ifindex != DEVICE or row.lladdr not in domain.known]
            return {} if give_way() else {V100: Found({}, {}, fdb, neighbors, remote=False)}
        if self.whole:
            return {V100: Found({}, {}, fdb, neighbors)}
        fdb = [row for row in fdb if row.ifindex != DEVICE]
        return {V100: Found({}, {}, fdb, neighbors, flood=False, remote=False)}

    def answer(self, place: Place, question: Question) -> dict[Vni, Found]:
        self.questions.append(question)
        fdb, neighbors = self.kernel.dump(place.device, place.bridge)
        rows = [row for row in fdb if row.lladdr in question.macs]
        return {V100: Found({}, {}, rows, [row for row in neighbors if row.dst in question.ips])}


class Setting:
    """A VTEP whose belief is of before what is done to the kernel untold."""

    def __init__(self, whole: bool = False) -> None:
        self.vtep = Vtep()
        self.vtep.peer_up()
        tell(self.vtep, a_vtep(), a_mac(M1, ip=IP1), a_mac(M2))
        self.vtep.settle()
        self.looker = FakeLooker(self.vtep.kernel, whole)
        self.looking = Looking(self.vtep.core, self.looker)  # type: ignore[arg-type]
        self.looking.open()
        self.kernel, self.core = self.vtep.kernel, self.vtep.core
        self.segment = self.core.dataplane.segments[V100]

    def look(self, strangers: bool = False) -> None:
        self.looking.start([V100], strangers)
        self.go_on()

    def go_on(self) -> None:
        """Until it is done, or waits for routes."""
        while self.looking.under_way:
            if not self.looking.waiting:
                self.looking.step()
            elif select.select([self.looking.fileno()], [], [], 1)[0]:
                self.looking.take()
            else:
                return

    def writes(self) -> int:
        before = self.kernel.writes
        self.vtep.settle()
        return self.kernel.writes - before


@pytest.fixture(params=["everything is dumped", "what is believed is asked for"])
def setting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Setting:
    whole = request.param == "everything is dumped"
    if not whole:
        monkeypatch.setattr(looking, "MANY", 0)
    return Setting(whole)


def test_a_look_at_what_is_as_believed_changes_nothing(setting: Setting) -> None:
    setting.look()

    assert (setting.core.kernel.drift, setting.writes()) == (0, 0)
    assert setting.looking.strangers_left != setting.looker.whole


def test_what_went_untold_is_found_and_written_again(setting: Setting) -> None:
    rows = dict(setting.kernel.tunnel), dict(setting.kernel.bridge), dict(setting.kernel.neighbors)
    setting.kernel.tunnel.pop((DEVICE, M1))
    setting.kernel.bridge.pop((BRIDGE, M2))
    setting.kernel.neighbors.clear()

    setting.look()

    assert setting.core.kernel.drift == 3
    assert setting.writes() > 0
    assert (setting.kernel.tunnel, setting.kernel.bridge, setting.kernel.neighbors) == rows


def test_hosts_that_came_and_went_untold_are_found(setting: Setting) -> None:
    setting.kernel.frame(M3, PORT)
    setting.kernel.frame(M1, OTHER_PORT)
    setting.kernel.events()

    setting.look()

    local = setting.core.fabric.domains[V100].local
    assert {mac: entry.port for mac, entry in local.items()} == {M3: PORT, M1: OTHER_PORT}


def test_a_stranger_is_found_by_who_looks_for_it(setting: Setting) -> None:
    setting.kernel.tunnel[DEVICE, M3] = TUNNEL_ROW
    setting.kernel.bridge[BRIDGE, M3] = BRIDGE_ROW
    setting.kernel.flood[DEVICE, VTEP3] = None

    setting.look()
    assert (M3 in setting.segment.macs.actual) == setting.looker.whole

    setting.look(strangers=True)
    assert not setting.looking.strangers_left
    assert M3 in setting.segment.macs.actual
    assert setting.writes() > 0
    assert (DEVICE, M3) not in setting.kernel.tunnel
    assert set(setting.kernel.flood) == {(DEVICE, VTEP2)}


def test_who_looks_for_strangers_gives_way_and_the_belief_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MANY", 0)
    setting = Setting()
    setting.looker.takes_long = True
    setting.kernel.tunnel.clear()

    setting.looking.start([V100], strangers=True)
    setting.looking.give_way()
    setting.go_on()

    assert (setting.looking.under_way, setting.segment.log) == (False, None)
    assert setting.looking.strangers_left
    assert set(setting.segment.macs.actual) == {M1, M2}


@pytest.mark.parametrize("whole", [True, False])
def test_after_a_start_no_row_is_written_that_is_there(whole: bool) -> None:
    """Where there are too many rows for a dump, the routes are waited for: they say what there is to ask for."""
    setting = Setting(whole)
    setting.core.dataplane.unobserved[V100] = None
    setting.core.peers.synced = False
    for table in (setting.segment.macs, setting.segment.neighbors, setting.segment.flood):
        table.observe_all({})
    setting.kernel.frame(M3, PORT)
    setting.kernel.events()

    setting.look()
    assert (setting.looking.under_way, setting.looker.questions) == (not whole, [])

    setting.core.peers.synced = True
    setting.go_on()
    assert (setting.looking.under_way, setting.core.dataplane.unobserved) == (False, {})
    assert set(setting.segment.macs.actual) == {M1, M2}
    assert M3 in setting.core.fabric.domains[V100].local
    assert setting.writes() == (0 if whole else 1), "a flood row that is there may be appended again"


def test_a_look_that_has_the_routes_does_not_wait_for_the_sessions_again() -> None:
    setting = Setting(whole=False)
    setting.core.dataplane.unobserved[V100] = None
    for table in (setting.segment.macs, setting.segment.neighbors, setting.segment.flood):
        table.observe_all({})
    setting.looking.start([V100])
    setting.looking.take()
    while not setting.looking.waiting:
        setting.looking.step()
    assert setting.looking.under_way, "it waits for an answer"

    setting.core.peers.synced = False
    setting.go_on()

    assert (setting.looking.under_way, setting.core.dataplane.unobserved) == (False, {})


def test_a_long_part_of_a_dump_is_followed_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, slept = [100.0], []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(looking.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(looking.time, "sleep", sleep)
    pauses = Pauses(lambda: False)
    for part in (0.5, 0.001, 0.25):
        clock[0] += part
        assert not pauses()

    assert slept == [0.25]
