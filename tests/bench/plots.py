"""Samples -> plots, as SVG: time over routes, latencies as distributions, what a route costs among many.

The same samples give the same octets: no date, no random ids. Text stays text.
"""

from collections.abc import Callable
from pathlib import Path
from statistics import median

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullFormatter

from tests.bench.bulk import SHARES
from tests.bench.growth import GrowthFound
from tests.bench.report import Found
from tests.bench.scene import Size
from tests.bench.vteps import Frr, Ours

_STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "bench",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
}
_SYSTEMS = {Ours.name: "#1f5fbf", Frr.name: "#d1751a"}
"""Both dark enough on white, and different without colours, too."""
_DASHES = {Ours.name: "-", Frr.name: "--"}
_SIZE = (9.0, 3.8)  # inches


def write(directory: Path, found: Found, size: Size, title: str) -> list[Path]:
    """`routes.svg` and `latency.svg`; nothing where a system has no samples."""
    if not all(
        {"bulk.announce.at.100", "bulk.withdraw.at.100", "update", "local"} <= found[name].keys() for name in _SYSTEMS
    ):
        return []
    return [
        _draw(directory / "routes.svg", title, (_routes(found, size, "announce"), _routes(found, size, "withdraw"))),
        _draw(directory / "latency.svg", title, (_latency(found, "update"), _latency(found, "local"))),
    ]


def write_growth(directory: Path, found: GrowthFound, title: str) -> list[Path]:
    panels = (
        _growth(found, "announce.cpu", "announced: CPU, us per route"),
        _growth(found, "withdraw.cpu", "withdrawn: CPU, us per route"),
        _growth(found, "memory.rss", "memory, MiB"),
    )
    return [_draw(directory / "growth.svg", title, panels)]


Panel = Callable[[Axes], None]


def _draw(path: Path, title: str, panels: tuple[Panel, ...]) -> Path:
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=_SIZE, layout="constrained", facecolor="white")
        for place, panel in enumerate(panels):
            axes = figure.add_subplot(1, len(panels), place + 1)
            panel(axes)
            # above the curves, which may be anywhere
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), borderaxespad=0)
            axes.set_title(axes.get_title(), pad=38)
        figure.supxlabel(title, fontsize=8, color="#555555")
        figure.savefig(path, metadata={"Date": None})
    return path


def _routes(found: Found, size: Size, what: str) -> Panel:
    """Until when so many rows were complete, three of which are a route: medians of the runs."""
    done = {"announce": "in the kernel", "withdraw": "gone from the kernel"}[what]

    def draw(axes: Axes) -> None:
        for name, colour in _SYSTEMS.items():
            times = [median(found[name][f"bulk.{what}.at.{share}"]) for share in SHARES]
            routes = [size.routes * share / 100 for share in SHARES]
            axes.plot([0, *routes], [0, *times], _DASHES[name], color=colour, label=_label(name, times[-1], "s"))
        axes.set(title=f"{size.routes:,} routes {what.replace('draw', 'drawn').replace('nce', 'nced')}")
        axes.set(
            xlabel=f"routes (rows, divided by 3) {done}",
            ylabel="seconds since the first octet",
            xlim=(0, None),
            ylim=(0, None),
        )
        axes.xaxis.set(major_locator=MaxNLocator(4), major_formatter="{x:,.0f}")

    return draw


def _latency(found: Found, what: str) -> Panel:
    """Share of the events that were done within so many milliseconds."""
    title = {"update": "one UPDATE to its FDB row", "local": "one local MAC to its UPDATE"}[what]

    def draw(axes: Axes) -> None:
        for name, colour in _SYSTEMS.items():
            values = sorted(found[name][what])
            axes.ecdf(
                values, linestyle=_DASHES[name], color=colour, label=_label(name, median(values), "ms in the median")
            )
        axes.set(title=title, xlabel="milliseconds", ylabel="share of the events", xscale="log", ylim=(0, 1.02))
        axes.xaxis.set(
            major_locator=LogLocator(subs=(1, 2, 5)), major_formatter="{x:g}", minor_formatter=NullFormatter()
        )

    return draw


def _growth(found: GrowthFound, figure: str, title: str) -> Panel:
    def draw(axes: Axes) -> None:
        for name, of_size in found.items():
            sizes = sorted(routes for routes, samples in of_size.items() if figure in samples)
            values = [median(of_size[routes][figure]) for routes in sizes]
            axes.plot(sizes, values, "o" + _DASHES[name], color=_SYSTEMS[name], label=name, markersize=4)
        axes.set(title=title, xlabel="routes", xscale="log")
        if figure == "memory.rss":
            axes.set_yscale("log")
        else:
            axes.set_ylim(0)

    return draw


def _label(name: str, value: float, unit: str) -> str:
    return f"{name}: {value:.3g} {unit}"
