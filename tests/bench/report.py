"""Samples of two systems -> a table with medians, ranges and ratios, and with goals or references if there are any."""

from collections.abc import Mapping, Sequence
from statistics import median

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Comparison, Figure
from tests.bench.scene import Samples


def percentile(values: Sequence[float], share: float) -> float:
    if share == 0.5:
        return median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(console: Console, comparison: Comparison, found: Mapping[str, Samples], title: str) -> None:
    """Nothing, when there are no samples."""
    name, ours, theirs, figures = comparison
    with_goals = any(figure.goal is not None for figure in figures)
    table = Table(title=f"{name}; {title}", title_justify="left")
    table.add_column("what")
    with_references = any(figure.reference for figure in figures)
    last = ("goal", "") if with_goals else ("reference, 100,000",) if with_references else ()
    for heading in (ours, "(min - max)", theirs, "(min - max)", "ratio", *last):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures:
        left = found[ours].get(figure.ours, [])
        right = found[theirs].get(figure.theirs or figure.ours, [])
        if left or right:
            ratio = _ratio(left, right, figure)
            shown = "" if ratio is None else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
            compared = _verdict(ratio, figure) if with_goals else (figure.reference,) if with_references else ()
            table.add_row(figure.title, *_half(left, figure), *_half(right, figure), shown, *compared)
    if table.row_count:
        console.print(table)


def _half(values: Sequence[float], figure: Figure) -> tuple[str, str]:
    if not values:
        return "-", ""
    shown = f"{_number(percentile(values, figure.share))} {figure.unit}".rstrip()
    return shown, f"({_number(min(values))} - {_number(max(values))})"


def _ratio(ours: Sequence[float], theirs: Sequence[float], figure: Figure) -> float | None:
    if not figure.unit or not ours or not theirs or not percentile(theirs, figure.share):
        return None
    return percentile(ours, figure.share) / percentile(theirs, figure.share)


def _verdict(ratio: float | None, figure: Figure) -> tuple[str, str]:
    if ratio is None or figure.goal is None:
        return "", ""
    return f"<= {figure.goal}", "reached" if ratio <= figure.goal else "missed"


def _number(value: float) -> str:
    if (value == int(value) and value >= 100) or value == 0:
        return f"{value:,.0f}"
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"
