"""Samples -> tables with medians, ranges and ratios, and with goals or references if there are any."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.figures import Comparison, Figure
from tests.bench.growth import FIGURES, Growth, GrowthFound
from tests.bench.scene import Samples
from tests.bench.soak import SoakFound

Found = Mapping[str, Samples]
"""System -> its samples."""


class Sheet(NamedTuple):
    """What is shown, be it on the screen or in a file."""

    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]


def percentile(values: Sequence[float], share: float) -> float:
    if share == 0.5:
        return median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(console: Console, sheet: Sheet) -> None:
    """Nothing, when there are no samples."""
    table = Table(title=sheet.title, title_justify="left")
    table.add_column(sheet.headings[0])
    for heading in sheet.headings[1:]:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in sheet.rows:
        table.add_row(*row)
    if sheet.rows:
        console.print(table)


def markdown(sheet: Sheet) -> str:
    """The same as a table of a page."""
    rows = [sheet.headings, ("---", *("---:" for _ in sheet.headings[1:])), *sheet.rows]
    lines = ["| " + " | ".join(cell.replace("|", r"\|") for cell in row) + " |" for row in rows]
    return f"{sheet.title}\n\n" + "\n".join(lines) + "\n"


def compare(comparison: Comparison, found: Found, title: str) -> Sheet:
    name, ours, theirs, figures = comparison
    with_goals = any(figure.goal is not None for figure in figures)
    with_references = any(figure.reference for figure in figures)
    last = ("goal", "") if with_goals else ("reference, 100,000",) if with_references else ()
    rows = []
    for figure in figures:
        left = found[ours].get(figure.ours, [])
        right = found[theirs].get(figure.theirs or figure.ours, [])
        if left or right:
            ratio = _ratio(left, right, figure)
            shown = "" if ratio is None else f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
            compared = _verdict(ratio, figure) if with_goals else (figure.reference,) if with_references else ()
            rows.append((figure.title, *_half(left, figure), *_half(right, figure), shown, *compared))
    return Sheet(f"{name}; {title}", ("what", ours, "(min - max)", theirs, "(min - max)", "ratio", *last), rows)


def growth(found: GrowthFound, title: str) -> Sheet:
    """`found`: system -> number of routes -> samples."""
    sizes = sorted({routes for of_size in found.values() for routes in of_size})
    rows = []
    for figure in FIGURES:
        for name, of_size in found.items():
            medians = {
                routes: median(samples[figure.name]) for routes, samples in of_size.items() if figure.name in samples
            }
            if medians:
                cells = [f"{_number(medians[routes])} {figure.unit}" if routes in medians else "-" for routes in sizes]
                rows.append((f"{name}: {figure.title}", *cells, *_growth_verdict(figure, medians)))
    headings = ("what", *(f"{routes:,} routes" for routes in sizes), "last / least", "goal", "")
    return Sheet(f"a route among many; {title}", headings, rows)


def soak(found: SoakFound, title: str) -> Sheet:
    """Memory of each process; before the third cycle there are things that are made but once."""
    rows = []
    for story, of_system in found.items():
        for system, samples in of_system.items():
            for process, values in samples.items():
                steps = [1024 * (after - before) for before, after in pairwise(values)]
                later = f"{median(steps[len(steps) // 2 :]):+,.0f} KiB" if steps else "-"
                third, last = (f"{value:.1f} MiB" for value in (values[:3][-1], values[-1]))
                rows.append((f"{story}: {system}, {process}", str(len(values)), third, last, later))
    headings = ("story", "cycles", "after the third", "after the last", "median of the later steps")
    return Sheet(f"resident after equal cycles; {title}", headings, rows)


def _growth_verdict(figure: Growth, medians: Mapping[int, float]) -> tuple[str, str, str]:
    """Of what grows with the number of routes the ratio says nothing."""
    most = medians[max(medians)]
    if not figure.goal or len(medians) < 2:
        return "", "", ""
    if figure.absolute:
        return "", f"<= {figure.goal:,.0f} {figure.unit}", "reached" if most <= figure.goal else "missed"
    ratio = most / min(value for routes, value in medians.items() if routes != max(medians))
    return f"{ratio:.2f}", f"<= {figure.goal}", "reached" if ratio <= figure.goal else "missed"


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
