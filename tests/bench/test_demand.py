"""The bench of `dynamic-l3` beside `static-l2`, at a tiny size: each figure has samples, whatever they are."""

from io import StringIO

import pytest
from rich.console import Console

from tests.bench.demand_cases import DYNAMIC, STATIC, demand_life, talkers
from tests.bench.figures import Comparison, comparisons
from tests.bench.report import compare, show
from tests.bench.scene import Samples, Size

pytestmark = pytest.mark.kernel

SIZE = Size(routes=20, timeout=30)


@pytest.fixture(scope="module")
def found() -> dict[str, Samples]:
    return {strategy: demand_life(strategy, SIZE) for strategy in (DYNAMIC, STATIC)}


@pytest.fixture
def comparison() -> Comparison:
    return next(each for each in comparisons(SIZE) if each.ours == DYNAMIC)


@pytest.mark.parametrize("strategy", [DYNAMIC, STATIC])
def test_each_question_is_a_sample(found: dict[str, Samples], strategy: str) -> None:
    counted = {figure: len(values) for figure, values in found[strategy].items() if figure != "demand.rows"}
    assert counted == dict.fromkeys(("demand.answer", "demand.packet", "demand.insisting"), talkers(SIZE))


def test_one_has_rows_for_all_and_the_other_for_those_talked_to(found: dict[str, Samples]) -> None:
    assert found[STATIC]["demand.rows"] == [3 * SIZE.routes]
    assert found[DYNAMIC]["demand.rows"] == [3 * talkers(SIZE)]


def test_the_table_has_a_row_for_each_figure(found: dict[str, Samples], comparison: Comparison) -> None:
    written = StringIO()
    show(Console(file=written, width=200), compare(comparison, found, "tiny"))

    rows = [line.split("│")[1].strip() for line in written.getvalue().splitlines() if line.startswith("│")]
    assert rows == [figure.title for figure in comparison.figures]
