"""`evpn show`: rows of the agent as a table for people or as JSON for programs."""

import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import chain, islice
from pathlib import Path
from typing import Any

import click
import msgspec

from evpn.cli.client import ask, run_dir_of, where_agent

WHAT = {
    "summary": "how much there is of everything, and all counters",
    "peers": "BGP sessions",
    "vni": "what is served, and why the rest is not",
    "mac": "hosts by their MACs, here and elsewhere",
    "neigh": "hosts by their IPs",
    "vtep": "other VTEPs",
    "flood": "VTEPs that get a copy of what is flooded",
    "rib": "routes of the peers, and which of them is best",
    "local": "MACs on our ports, and whether they are announced",
    "duplicates": "MACs and IPs that moved too often",
    "events": "what happened to hosts, the latest last",
}
_MEANINGS = "\b\nWHAT:\n" + "\n".join(f"  {what:11} {meaning}" for what, meaning in WHAT.items())
_WATCH_INTERVAL = 2.0
_MEASURED = 1000
"""Rows that are looked at for the widths of the columns before the first one is printed."""


@click.command("show", epilog=_MEANINGS)
@click.argument("what", metavar="WHAT", type=click.Choice(list(WHAT)))
@click.argument("address", required=False)
@where_agent
@click.option("--vni", type=int, help="This VNI only.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of objects.")
@click.option("--watch", is_flag=True, help="Again every two seconds.")
def command(
    what: str,
    address: str | None,
    config: Path | None,
    run_dir: Path | None,
    vni: int | None,
    as_json: bool,
    watch: bool,
) -> None:
    """State of the running agent.

    ADDRESS: this MAC or IP only (mac, neigh, rib, local, events).
    """
    directory = run_dir_of(config, run_dir)
    request = {"command": "show", "what": what, "vni": vni, **({"address": address} if address else {})}

    def rows() -> Generator[dict[str, Any], None, None]:
        return ask(directory, request)

    if not watch:
        print_json(rows()) if as_json else print_table(what, rows())
    elif not as_json and sys.stdout.isatty():
        watch_table(what, rows)
    else:
        while True:
            print_json(rows()) if as_json else print_table(what, rows())
            time.sleep(_WATCH_INTERVAL)


def watch_table(what: str, rows: Callable[[], Generator[dict[str, Any], None, None]]) -> None:
    """As much as fits on the screen, anew every two seconds, until Ctrl-C."""
    from rich.live import Live
    from rich.table import Table

    with Live(screen=True, auto_refresh=False) as live:
        while True:
            with closing(rows()) as found:
                shown = list(islice(found, live.console.height))
            if what == "summary":
                shown = [{"what": key, "now": value} for key, value in shown[0].items()]
            table = Table(box=None, pad_edge=False, title_justify="left", title=f"{what}, {time.strftime('%X')}")
            for key in shown[0] if shown else ():
                table.add_column(key, no_wrap=True)
            for row in shown:
                table.add_row(*map(_cell, row.values()))
            live.update(table, refresh=True)
            time.sleep(_WATCH_INTERVAL)


def print_json(rows: Iterable[dict[str, Any]]) -> None:
    """One row a line, as it comes: an answer of any length takes no memory."""
    output = sys.stdout
    separator = "["
    for row in rows:
        output.write(f"{separator}{msgspec.json.encode(row).decode()}")
        separator = ",\n "
    output.write("[]\n" if separator == "[" else "]\n")
    output.flush()


def print_table(what: str, rows: Generator[dict[str, Any], None, None]) -> None:
    with closing(rows):  # left to the garbage collector, its end would swallow a Ctrl-C that comes just then
        _print_table(what, rows)


def _print_table(what: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows, None)
    if first is None:
        click.echo(f"no {what} entries")
    elif what == "summary":
        _print_columns([_cell(key), _cell(value)] for key, value in first.items())
    else:
        _print_columns(([_cell(value) for value in row.values()] for row in chain([first], rows)), list(first))


def _print_columns(rows: Iterator[list[str]], header: list[str] | None = None) -> None:
    """One line a row, as they come; one that is wider than those measured pushes its neighbours aside."""
    measured = list(islice(rows, _MEASURED))
    heads = [header] if header else []
    widths = [max(map(len, column)) for column in zip(*heads, *measured, strict=True)]
    for head in heads:
        click.secho(_line(head, widths), bold=True)
    write = sys.stdout.write  # click.echo would flush each line
    for row in measured:
        write(_line(row, widths) + "\n")
    sys.stdout.flush()
    for row in rows:
        write(_line(row, widths) + "\n")
    sys.stdout.flush()


def _line(cells: list[str], widths: list[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
