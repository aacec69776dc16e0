"""Loading a configuration for a command: a mistake is one line on standard error and exit code 2."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click

from evpn.config.errors import ConfigError
from evpn.config.load import load
from evpn.config.settings import Settings

LOG_FORMAT = "evpn %(levelname)s %(message)s"


def load_or_exit(path: Path, reader: Callable[[Path], Settings] = load) -> Settings:
    try:
        return reader(path)
    except ConfigError as error:
        fail(str(error), 2)


def fail(line: str, code: int) -> NoReturn:
    click.echo(line, err=True)
    raise SystemExit(code)
