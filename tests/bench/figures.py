"""What is shown of the samples: the VTEP beside FRR, ExaBGP with the extension beside stock, two strategies."""

from typing import NamedTuple

from tests.bench.demand_cases import DYNAMIC, STATIC, talkers
from tests.bench.engine import EXTENSION, STOCK
from tests.bench.engine_cases import few
from tests.bench.scene import Size
from tests.bench.vteps import Frr, Ours

_IDLE = 120
"""Seconds from which on idle systems can be compared: what both do every minute is in them at least once."""


class Figure(NamedTuple):
    title: str
    ours: str
    """Name of the samples."""
    unit: str = ""
    goal: float | None = None
    """Highest ratio to FRR that is aimed at."""
    theirs: str = ""
    """Where the samples of the other system have another name."""
    share: float = 0.5
    """Which of the samples counts: the median, or a percentile."""
    reference: str = ""
    """What a prototype of the extension and stock ExaBGP took, with 100,000 routes."""


class Comparison(NamedTuple):
    title: str
    ours: str
    theirs: str
    figures: list[Figure]


def comparisons(size: Size) -> list[Comparison]:
    return [
        Comparison("the VTEP beside FRR", Ours.name, Frr.name, _vtep(size)),
        Comparison(
            "ExaBGP with the extension, beside stock 5.0.15",
            EXTENSION.name,
            STOCK.name,
            [*_announced(size), *_received(size), *_commands()],
        ),
        Comparison("strategy dynamic-l3 beside static-l2", DYNAMIC, STATIC, _demand(size)),
    ]


def _vtep(size: Size) -> list[Figure]:
    n, agent, both = f"{size.routes:,}", "restart.agent", "restart.bgpd+zebra"
    return [
        Figure(f"{n} routes announced, to the last of {3 * size.routes:,} rows", "bulk.announce", "s", 0.6),
        Figure(f"{n} routes withdrawn, to the last row gone", "bulk.withdraw", "s", 0.6),
        Figure("memory after it, resident", "memory.rss", "MiB", 1.0),
        Figure("memory after it, proportional", "memory.pss", "MiB"),
        Figure("memory before it, resident", "memory.empty", "MiB"),
        Figure("CPU of the announcement", "bulk.cpu", "s"),
        Figure("CPU of the withdrawal", "bulk.withdraw.cpu", "s"),
        Figure(f"CPU when idle for {size.idle:g} s, of one core", "idle.cpu", "%", 1.0 if size.idle >= _IDLE else None),
        Figure("one UPDATE to its FDB row, median", "update", "ms", 0.3),
        Figure("one UPDATE to its FDB row, 95th", "update", "ms", share=0.95),
        Figure("one local MAC to its UPDATE, median", "local", "ms", 0.3),
        Figure("one local MAC to its UPDATE, 95th", "local", "ms", share=0.95),
        Figure(f"{size.macs:,} local MACs in a burst to the last UPDATE", "burst", "s", 0.6),
        Figure("of these never announced", "burst.missing"),
        Figure("CPU of the burst", "burst.cpu", "s"),
        Figure("agent | bgpd and zebra killed: back in sync", f"{agent}.seconds", "s", theirs=f"{both}.seconds"),
        Figure("  rows removed meanwhile", f"{agent}.lost", theirs=f"{both}.lost"),
        Figure("  rows changed or written anew", f"{agent}.written", theirs=f"{both}.written"),
        Figure("  rows still wrong afterwards", f"{agent}.wrong", theirs=f"{both}.wrong"),
        Figure("agent | bgpd alone killed: back in sync", f"{agent}.seconds", "s", theirs="restart.bgpd.seconds"),
        Figure("  rows removed meanwhile", f"{agent}.lost", theirs="restart.bgpd.lost"),
        Figure("  rows changed or written anew", f"{agent}.written", theirs="restart.bgpd.written"),
        Figure("  rows still wrong afterwards", f"{agent}.wrong", theirs="restart.bgpd.wrong"),
        Figure("announcement: time spent waiting for a CPU", "bulk.cpu.waited", "s"),
        Figure("announcement: CPU of the rest of the machine", "bulk.cpu.others", "s"),
        Figure("announcement: CPU of the watcher", "bulk.cpu.watcher", "s"),
        Figure("announcement: notifications per row", "bulk.notifications"),
    ]


def _announced(size: Size) -> list[Figure]:
    """Stock ExaBGP is given fewer routes: rates are compared."""
    n, words, cpu = f"{size.routes:,}", f"{few(size):,} in words", "  CPU per route"
    in_bulk = f"{n} in bulk | {words}"
    return [
        Figure(f"{words}, announced", "words.rate", "/s", reference="5,950 | 4,130 /s"),
        Figure(cpu, "words.cpu", "us", reference="161 | 240 us"),
        Figure(f"{in_bulk}", "bulk.rate", "/s", theirs="words.rate", reference="244,000 | 4,130 /s"),
        Figure(cpu, "bulk.cpu", "us", theirs="words.cpu", reference="3.3 | 240 us"),
        Figure("  in all", "bulk.seconds", "s", theirs="words.seconds"),
        Figure("  in all, CPU", "bulk.cpu.seconds", "s", theirs="words.cpu.seconds"),
        Figure("  in all, CPU of the bench", "bulk.cpu.bench", "s", theirs="words.cpu.bench"),
        Figure("  UPDATEs", "bulk.updates", theirs="words.updates"),
        Figure("  memory per route", "bulk.memory", "B", theirs="words.memory", reference="260 | 4,800 B"),
        Figure(f"{n} in bulk | {few(size):,} of IPv4", "bulk.rate", "/s", theirs="ipv4.rate"),
        Figure(cpu, "bulk.cpu", "us", theirs="ipv4.cpu"),
        Figure("all again, the session back", "again.rate", "/s", reference="1,250,000 | 27,800 /s"),
    ]


def _received(size: Size) -> list[Figure]:
    """With the extension in packets mode, as the agent wants it."""
    figures = []
    for mode, reference in (("packets", "0.08 | 2.19 s"), ("parsed", "0.08 | 2.89 s")):
        ours, theirs, title = "receive.packets", f"receive.{mode}", f"{size.routes:,} received, packets | {mode}"
        figures += [
            Figure(title, f"{ours}.seconds", "s", theirs=f"{theirs}.seconds", reference=reference),
            Figure("  CPU per route", f"{ours}.cpu", "us", theirs=f"{theirs}.cpu"),
            Figure("  in all, CPU of the bench", f"{ours}.cpu.bench", "s", theirs=f"{theirs}.cpu.bench"),
        ]
    return figures


def _commands() -> list[Figure]:
    title, words, reference = "one command to its UPDATE", "command.words", "0.8 ms | -"
    return [
        Figure(f"{title}, median", words, "ms"),
        Figure(f"{title}, 95th", words, "ms", share=0.95),
        Figure("  in bulk | in words, median", "command.bulk", "ms", theirs=words, reference=reference),
        Figure("  in bulk | in words, 95th", "command.bulk", "ms", theirs=words, share=0.95),
        Figure("  the same, and the peer talks, too", "command.between", "ms"),
    ]


def _demand(size: Size) -> list[Figure]:
    count = talkers(size)
    figures = [Figure(f"{size.routes:,} routes, {count} of them talked to: kernel rows", "demand.rows", "rows")]
    for title, samples in (
        ("one question to its answer", "demand.answer"),
        ("one question to the first packet on its way", "demand.packet"),
        ("question repeated every 2 ms to the answer", "demand.insisting"),
    ):
        figures += [Figure(f"{title}, median", samples, "ms"), Figure(f"{title}, 95th", samples, "ms", share=0.95)]
    return figures
