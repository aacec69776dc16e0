"""`evpn show`: rows of the agent as a table for people or as JSON for programs."""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table

from evpn.cli.client import ask, run_dir_of

WHAT = ("summary", "peers", "vni", "mac", "flood", "rib", "local")
_WATCH_INTERVAL = 2.0
_WIDEST = 4096


@click.command("show")
@click.argument("what", type=click.Choice(WHAT))
@click.option("--config", type=click.Path(path_type=Path), help="Configuration of the agent: says its run-dir.")
@click.option("--run-dir", type=click.Path(path_type=Path), help="Where the agent's socket is [default: /run/evpn].")
@click.option("--vni", type=int, help="This VNI only.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of objects.")
@click.option("--watch", is_flag=True, help="Again every two seconds.")
def command(what: str, config: Path | None, run_dir: Path | None, vni: int | None, as_json: bool, watch: bool) -> None:
    """State of the running agent."""
    directory = run_dir_of(config, run_dir)
    while True:
        rows = ask(directory, {"command": "show", "what": what, "vni": vni})
        if watch and not as_json:
            rows = iter(list(rows))
            click.clear()
        if as_json:
            print_json(rows)
        else:
            print_table(what, rows)
        if not watch:
            return
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


def print_table(what: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows, None)
    console = Console(width=_WIDEST)  # lines are never folded in cells: what is too long, the terminal wraps
    if first is None:
        console.print(f"no {what} entries", highlight=False)
        return
    if what == "summary":
        table = Table(box=None, show_header=False, pad_edge=False)
        for key, value in first.items():
            table.add_row(key, _cell(value))
        console.print(table, highlight=False)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for key in first:
        table.add_column(key, no_wrap=True)
    for row in (first, *rows):
        table.add_row(*map(_cell, row.values()))
    console.print(table, highlight=False)


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)
