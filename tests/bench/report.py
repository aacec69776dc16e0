"""Samples of both systems -> a table with medians, ranges, ratios and goals."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench.cases import Samples, Size
from tests.bench.vteps import Frr, Ours


class Figure(NamedTuple):
    title: str
    ours: str
    """Name of the samples."""
    unit: str = ""
    goal: float | None = None
    """Highest ratio to FRR that DESIGN section 10 or issue 7 allows."""
    frr: str = ""
    """Where FRR's samples have another name."""
    share: float = 0.5
    """Which of the samples counts: the median, or a percentile."""


def figures(size: Size) -> list[Figure]:
    n, agent, both = f"{size.routes:,}", "restart.agent", "restart.bgpd+zebra"
    return [
        Figure(f"{n} routes announced, to the last of {3 * size.routes:,} rows", "bulk.announce", "s", 0.6),
        Figure(f"{n} routes withdrawn, to the last row gone", "bulk.withdraw", "s", 0.6),
        Figure("memory after it, resident", "memory.rss", "MiB", 1.0),
        Figure("memory after it, proportional", "memory.pss", "MiB"),
        Figure("memory before it, resident", "memory.empty", "MiB"),
        Figure("CPU of the announcement", "bulk.cpu", "s"),
        Figure("CPU of the withdrawal", "bulk.withdraw.cpu", "s"),
        Figure("CPU when idle, of one core", "idle.cpu", "%", 1.0),
        Figure("one UPDATE to its FDB row, median", "update", "ms", 0.3),
        Figure("one UPDATE to its FDB row, 95th", "update", "ms", share=0.95),
        Figure("one local MAC to its UPDATE, median", "local", "ms", 0.3),
        Figure("one local MAC to its UPDATE, 95th", "local", "ms", share=0.95),
        Figure(f"{size.macs:,} local MACs in a burst to the last UPDATE", "burst", "s", 0.6),
        Figure("of these never announced", "burst.missing"),
        Figure("agent | bgpd and zebra killed: back in sync", f"{agent}.seconds", "s", frr=f"{both}.seconds"),
        Figure("  rows removed meanwhile", f"{agent}.lost", frr=f"{both}.lost"),
        Figure("  rows changed or written anew", f"{agent}.written", frr=f"{both}.written"),
        Figure("  rows still wrong afterwards", f"{agent}.wrong", frr=f"{both}.wrong"),
        Figure("agent | bgpd alone killed: back in sync", f"{agent}.seconds", "s", frr="restart.bgpd.seconds"),
        Figure("  rows removed meanwhile", f"{agent}.lost", frr="restart.bgpd.lost"),
        Figure("  rows changed or written anew", f"{agent}.written", frr="restart.bgpd.written"),
        Figure("  rows still wrong afterwards", f"{agent}.wrong", frr="restart.bgpd.wrong"),
        Figure("announcement: time spent waiting for a CPU", "bulk.cpu.waited", "s"),
        Figure("announcement: CPU of the rest of the machine", "bulk.cpu.others", "s"),
        Figure("announcement: CPU of the watcher", "bulk.cpu.watcher", "s"),
        Figure("announcement: notifications per row", "bulk.notifications"),
    ]


def percentile(values: Sequence[float], share: float) -> float:
    if share == 0.5:
        return median(values)
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(console: Console, size: Size, found: Mapping[str, Samples], title: str) -> None:
    table = Table(title=title, title_justify="left")
    table.add_column("what")
    for heading in ("evpn", "(min - max)", "FRR", "(min - max)", "ratio", "goal", ""):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in figures(size):
        ours = found[Ours.name].get(figure.ours, [])
        theirs = found[Frr.name].get(figure.frr or figure.ours, [])
        if ours or theirs:
            table.add_row(figure.title, *_half(ours, figure), *_half(theirs, figure), *_ratio(ours, theirs, figure))
    console.print(table)


def _half(values: Sequence[float], figure: Figure) -> tuple[str, str]:
    if not values:
        return "-", ""
    shown = f"{_number(percentile(values, figure.share))} {figure.unit}".rstrip()
    return shown, f"({_number(min(values))} - {_number(max(values))})"


def _ratio(ours: Sequence[float], theirs: Sequence[float], figure: Figure) -> tuple[str, str, str]:
    if not figure.unit or not ours or not theirs or not percentile(theirs, figure.share):
        return "", "", ""
    ratio = percentile(ours, figure.share) / percentile(theirs, figure.share)
    if figure.goal is None:
        return f"{ratio:.2f}", "", ""
    return f"{ratio:.2f}", f"<= {figure.goal}", "reached" if ratio <= figure.goal else "missed"


def _number(value: float) -> str:
    if (value == int(value) and value >= 100) or value == 0:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"
