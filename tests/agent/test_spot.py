"""Spot checks: what is as believed is left alone, and what is not is noticed, whoever did it."""

import select
from collections.abc import Callable

import pytest

from evpn.agent import spot
from evpn.agent.spot import Spot
from evpn.dataplane.comparison import Found, Question
from evpn.dataplane.entries import NUD_NOARP
from evpn.delta import DeltaTable
from evpn.netlink.columns import Place
from evpn.netlink.errors import NetlinkError
from evpn.values import Vni
from tests.builders import IP1, IP2, M1, M2, VTEP3
from tests.fakes import FakeKernel
from tests.kernel_rows import BRIDGE

from .test_looking import FakeLooker
from .vtep import Vtep, a_mac, a_vtep, tell

V100 = Vni(100)


class Setting:
    def __init__(self) -> None:
        self.vtep = Vtep()
        self.vtep.peer_up()
        tell(self.vtep, a_vtep(), a_mac(M1, ip=IP1), a_mac(M2, ip=IP2, sticky=True))
        self.vtep.settle()
        self.kernel, self.core = self.vtep.kernel, self.vtep.core
        self.looker = FakeLooker(self.kernel)
        self.spot = Spot(self.core, self.looker)  # type: ignore[arg-type]
        self.spot.open()

    def check(self) -> bool:
        self.spot.start()
        return self.take()

    def take(self) -> bool:
        assert select.select([self.spot], [], [], 5)[0]
        return self.spot.take()


@pytest.fixture
def setting() -> Setting:
    return Setting()


def test_what_is_as_believed_is_confirmed(setting: Setting) -> None:
    assert setting.check()

    (question,) = setting.looker.questions
    assert (set(question.macs), set(question.ips)) == ({M1, M2}, {IP1, IP2})
    assert setting.check(), "and again"


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda kernel: kernel.bridge.pop((BRIDGE, M1)), id="a row of the bridge is gone"),
        pytest.param(lambda kernel: kernel.neighbors.clear(), id="neighbors are gone"),
        pytest.param(
            lambda kernel: kernel.neighbors.update(
                {key: row._replace(protocol=0) for key, row in kernel.neighbors.items()}
            ),
            id="neighbors are somebody else's",
        ),
        pytest.param(
            lambda kernel: kernel.tunnel.update({key: row._replace(where=VTEP3) for key, row in kernel.tunnel.items()}),
            id="MACs are behind another VTEP",
        ),
        pytest.param(
            lambda kernel: kernel.tunnel.update(
                {key: row._replace(flags=0, state=NUD_NOARP) for key, row in kernel.tunnel.items()}
            ),
            id="rows of the VXLAN device have lost our mark",
        ),
    ],
)
def test_what_is_not_as_believed_is_noticed(setting: Setting, fault: Callable[[FakeKernel], None]) -> None:
    fault(setting.kernel)

    assert not setting.check()


def test_what_was_told_meanwhile_is_no_surprise(setting: Setting) -> None:
    setting.spot.start()
    assert select.select([setting.spot], [], [], 5)[0]
    setting.kernel.events()
    setting.kernel.drop_neighbor(IP1)
    for event in setting.kernel.events():
        setting.core.kernel.row_event(event, 0.0)

    assert setting.spot.take()


def test_of_very_many_some_are_asked_for_all_over_the_table(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spot, "SOME", 1)

    for _ in range(40):
        assert setting.check()

    assert all(len(question.macs) == len(question.ips) == 1 for question in setting.looker.questions)
    assert {mac for question in setting.looker.questions for mac in question.macs} == {M1, M2}


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 4096, 100_003])
def test_they_are_from_all_over_the_table_for_the_rows_of_a_vtep_stand_together(rows: int) -> None:
    table: DeltaTable[int, bool] = DeltaTable()
    for start in range(0, rows, 2048):
        table.want_batch(keys := range(start, min(start + 2048, rows)), dict.fromkeys(keys, True))
        batch = table.batch(2048)
        table.launch(batch)
        table.observe_batch(batch)

    found = spot._some(table)

    assert found.keys() <= table.actual.keys()
    assert len(found) == min(rows, spot.SOME)
    if rows > 1000:
        assert all(any(key // (rows // 4) == quarter for key in found) for quarter in range(4))
        assert spot._some(table) != found, "others each time"


def test_rows_that_are_gone_are_not_asked_for() -> None:
    table: DeltaTable[int, bool] = DeltaTable()
    table.want_batch(range(10_000), dict.fromkeys(range(10_000), True))
    table.observe_batch(table.batch(10_000))
    for key in range(0, 9_000, 2):
        table.observe(key, None)
        assert table.landmarks

    found = spot._some(table)

    assert found and found.keys() <= table.actual.keys()


def test_where_nothing_is_believed_nothing_is_asked() -> None:
    vtep = Vtep()
    looker = FakeLooker(vtep.kernel)
    checked = Spot(vtep.core, looker)  # type: ignore[arg-type]
    checked.open()

    checked.start()

    assert select.select([checked], [], [], 0.05)[0] == []
    assert looker.questions == []


def test_one_that_is_under_way_is_not_begun_again(setting: Setting) -> None:
    setting.spot.start()
    setting.spot.start()

    assert setting.take()
    assert len(setting.looker.questions) == 1
    assert select.select([setting.spot], [], [], 0.05)[0] == []


def test_a_bridge_domain_that_is_gone_meanwhile_is_not_judged(setting: Setting) -> None:
    setting.spot.start()
    assert select.select([setting.spot], [], [], 5)[0]
    setting.kernel.neighbors.clear()
    setting.core.instances.cease(V100)

    assert setting.spot.take()


def test_a_refusal_is_raised_and_the_next_one_is_made(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = setting.looker.answer

    def refuse(place: Place, question: Question) -> dict[Vni, Found]:
        raise NetlinkError(105, "questions for rows")

    monkeypatch.setattr(setting.looker, "answer", refuse)
    setting.spot.start()
    with pytest.raises(NetlinkError):
        setting.take()

    monkeypatch.setattr(setting.looker, "answer", answer)
    assert setting.check()
