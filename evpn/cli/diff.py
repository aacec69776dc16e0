"""`evpn diff`: where the kernel is not as it should be."""

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import click

from evpn.cli.client import ask, run_dir_of, where_agent
from evpn.cli.show import print_json, print_table


@click.command("diff")
@where_agent
@click.option("--vni", type=int, help="This VNI only.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array of objects.")
@click.option("--exit-code", is_flag=True, help="Status 1 when there is a difference.")
def command(config: Path | None, run_dir: Path | None, vni: int | None, as_json: bool, exit_code: bool) -> None:
    """What the kernel holds against what the routes want, row by row; nothing is changed."""
    compared: dict[str, Any] = {}
    different: Counter[str] = Counter()

    def rows() -> Generator[dict[str, Any], None, None]:
        for row in ask(run_dir_of(config, run_dir), {"command": "diff", "vni": vni}):
            if "compared" in row:
                compared.update(row)
            else:
                different["VNI" if row["kind"] == "device" else "row"] += 1
                yield row

    if as_json:
        print_json(rows())
    else:
        found = rows()
        first = next(found, None)
        if first is not None:
            print_table("difference", _behind(first, found))
        click.echo(_total(compared["compared"], different["row"], compared["vnis"], different["VNI"]))
    if different and exit_code:
        raise SystemExit(1)


def _behind(
    first: dict[str, Any], rows: Generator[dict[str, Any], None, None]
) -> Generator[dict[str, Any], None, None]:
    yield first
    yield from rows


def _total(rows: int, different: int, vnis: int, unread: int) -> str:
    """Where a device is missing or cannot be read, no row was compared."""
    compared = f"{different} of {_count(rows, 'row')} in {_count(vnis - unread, 'VNI')} differ"
    if not unread:
        return compared
    left_out = f"{_count(unread, 'VNI')} could not be compared"
    return left_out if unread == vnis else f"{compared}; {left_out}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
