"""What is wrong with a configuration file: one line that names file, key, what was found and what is accepted."""

from collections.abc import Callable
from reprlib import Repr
from typing import NamedTuple, TypeVar

T = TypeVar("T")

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2


class ConfigError(Exception):
    """`FILE: key.path[0].key: what was found; what is accepted`, always one line; ends the start."""


class Where(NamedTuple):
    """A place in a configuration file."""

    file: str
    key: str = ""

    def at(self, *steps: str | int) -> "Where":
        key = self.key
        for step in steps:
            key += f"[{step}]" if isinstance(step, int) else f".{step}" if key else step
        return Where(self.file, key)

    def wrong(self, problem: str) -> ConfigError:
        line = ": ".join(filter(None, (self.file, self.key, problem)))
        return ConfigError("".join(character if character.isprintable() else " " for character in line))

    def parse(self, parser: Callable[[str], T], text: str) -> T:
        """`parser` is one of `evpn.text`, whose errors say what was found and what is accepted."""
        try:
            return parser(text)
        except ValueError as error:
            raise self.wrong(str(error)) from None


def found(value: object) -> str:
    """A value of any size as people wrote it, in a few words."""
    if value is None:
        return "found nothing"
    if isinstance(value, bool):
        return f"found {str(value).lower()}"
    if isinstance(value, dict):
        return "found a mapping"
    if isinstance(value, list):
        return "found a list"
    return f"found {_SHORT.repr(value)}"
