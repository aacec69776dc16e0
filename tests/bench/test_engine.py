"""The bench of ExaBGP beside stock ExaBGP, at a tiny size: each figure has samples, whatever they are."""

from io import StringIO

import pytest
from rich.console import Console

from tests.bench.engine import EXTENSION, STOCK
from tests.bench.engine_cases import packets_life, parsed_life
from tests.bench.figures import Comparison, comparisons
from tests.bench.report import compare, show
from tests.bench.scene import Samples, Size

pytestmark = pytest.mark.kernel

SIZE = Size(routes=50, events=2, timeout=30)


@pytest.fixture(scope="module")
def found() -> dict[str, Samples]:
    stock = {**packets_life(STOCK, SIZE), **parsed_life(STOCK, SIZE)}
    return {EXTENSION.name: packets_life(EXTENSION, SIZE), STOCK.name: stock}


@pytest.fixture
def comparison() -> Comparison:
    return next(each for each in comparisons(SIZE) if each.ours == EXTENSION.name)


def test_each_figure_has_samples_of_both(found: dict[str, Samples], comparison: Comparison) -> None:
    names = {(EXTENSION.name, figure.ours) for figure in comparison.figures}
    names |= {(STOCK.name, figure.theirs or figure.ours) for figure in comparison.figures}

    assert {(side, name) for side, name in names if not found[side].get(name)} == set()


def test_stock_sends_an_update_for_each_route_and_the_extension_one_for_all(found: dict[str, Samples]) -> None:
    assert found[EXTENSION.name]["bulk.updates"] == [1]
    assert found[STOCK.name]["words.updates"] == [SIZE.routes]


def test_the_table_has_a_row_for_each_figure(found: dict[str, Samples], comparison: Comparison) -> None:
    written = StringIO()
    show(Console(file=written, width=200), compare(comparison, found, "tiny"))

    rows = [line.split("│")[1].strip() for line in written.getvalue().splitlines() if line.startswith("│")]
    assert rows == [figure.title.strip() for figure in comparison.figures]
