"""`evpn diff`: where the kernel is not as it should be."""

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
    differences = 0

    def rows() -> Generator[dict[str, Any], None, None]:
        nonlocal differences
        for row in ask(run_dir_of(config, run_dir), {"command": "diff", "vni": vni}):
            if "compared" in row:
                compared.update(row)
            else:
                differences += 1
                yield row

    if as_json:
        print_json(rows())
    else:
        found = rows()
        first = next(found, None)
        if first is not None:
            print_table("difference", _behind(first, found))
        click.echo(
            f"{differences} of {_count(compared['compared'], 'row')} in {_count(compared['vnis'], 'VNI')} differ"
        )
    if differences and exit_code:
        raise SystemExit(1)


def _behind(
    first: dict[str, Any], rows: Generator[dict[str, Any], None, None]
) -> Generator[dict[str, Any], None, None]:
    yield first
    yield from rows


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
