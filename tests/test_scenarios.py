"""The final state depends on what happened, not on how it reached us: each scenario in several expansions, one end."""

from pathlib import Path

import pytest

from evpn.agent import arrivals
from evpn.rib import table
from tests.scenarios.play import Play, Scenario

SCENARIOS = [Scenario.read(path) for path in sorted((Path(__file__).parent / "scenarios").glob("*.txt"))]


def every(*expansions: str) -> list:
    """Each scenario in each expansion that does not make another story of it."""
    return [
        pytest.param(scenario, expansion, id=f"{scenario.name} {expansion}")
        for scenario in SCENARIOS
        for expansion in expansions
        if expansion not in scenario.barred
    ]


def expanded(facts: list[str], expansion: str) -> list[str]:
    match expansion:
        case "reversed":
            return facts[::-1]
        case "twice":
            return [fact for fact in facts for _ in range(2)]
    return facts


@pytest.mark.parametrize(("scenario", "expansion"), every("as is", "squashed", "twice", "reversed", "slow"))
def test_a_scenario_has_one_end(scenario: Scenario, expansion: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if expansion == "slow":  # as for a fabric that is too large for one turn
        monkeypatch.setattr(table, "SLICE", 1)
        monkeypatch.setattr(arrivals, "SLICE", 1)
    play = Play()
    for fact in expanded(scenario.facts, expansion):
        play.tell(fact)
        if expansion != "squashed":
            play.settle()
    play.settle()

    assert play.end() == scenario.end
    assert play.vtep.core.dataplane.pending == 0


@pytest.mark.parametrize(
    ("scenario", "moment"),
    [
        pytest.param(scenario, moment, id=f"{scenario.name} restart after {moment}")
        for scenario in SCENARIOS
        if "restarted" not in scenario.barred
        for moment in range(len(scenario.facts) + 1)
    ],
)
def test_a_scenario_has_the_same_end_with_a_restart_of_the_agent_in_it(scenario: Scenario, moment: int) -> None:
    play = Play()
    for fact in [*scenario.facts[:moment], "the agent restarts", *scenario.facts[moment:]]:
        play.tell(fact)
        play.settle()

    assert play.end() == scenario.end
    assert play.vtep.core.dataplane.pending == 0
