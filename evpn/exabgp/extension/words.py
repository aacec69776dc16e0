"""Words of a command or of a line of the configuration file, one value after the other; a mistake names its place."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Words:
    """Read from the front. ExaBGP has put blanks around brackets and commas, so each is a word of its own."""

    def __init__(self, words: list[str]) -> None:
        self._words = words
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._words)

    def next(self, after: str) -> str:
        if not self:
            raise ValueError(f"{after}: a value is missing")
        self._at += 1
        return self._words[self._at - 1]

    def value(self, word: str, parse: Callable[[str], T]) -> T:
        return _parsed(word, parse, self.next(word))

    def values(self, word: str, parse: Callable[[str], T]) -> list[T]:
        """One value, or several in `[ ]` or `( )`; commas between them are allowed."""
        text = self.next(word)
        closing = {"[": "]", "(": ")"}.get(text)
        if closing is None:
            return [_parsed(word, parse, text)]
        found = []
        while (text := self.next(word)) != closing:
            if text != ",":
                found.append(_parsed(word, parse, text))
        if not found:
            raise ValueError(f"{word}: nothing between the brackets")
        return found


def _parsed(word: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{word}: {error}") from None


def number(maximum: int, minimum: int = 0) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdecimal()) or not minimum <= int(text) <= maximum:
            raise ValueError(f"{text!r} is not a number from {minimum} to {maximum}")
        return int(text)

    return parse
