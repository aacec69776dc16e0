"""Words of a command or of a line of the configuration file, one value after the other; a mistake names its place."""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

_PIECES = re.compile(r"[][(),;]|[^][(),;]+")
_CLOSING = {"[": "]", "(": ")"}
_QUOTES = ("'", '"')
_BEHIND = 3  # words that are told of what stands before a mistake
_SHOWN = 40  # characters of a word that is too long to be repeated
_TOLD = 600  # characters of a reason at most, whatever else it repeats


class Words:
    """Read from the front, brackets and commas as words of their own, with or without blanks around them."""

    def __init__(self, words: list[str]) -> None:
        self._words = [piece for word in words for piece in _pieces(word)]
        if self._words[-1:] == [";"]:  # as at the end of a line of the configuration file
            self._words.pop()
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._words)

    @property
    def place(self) -> str:
        """Of the word that was read last; the first is the one after which these follow."""
        behind = self._words[max(self._at - 1 - _BEHIND, 0) : max(self._at - 1, 0)]
        shown = " ".join(shortened(word if word.isprintable() else ascii(word)) for word in behind)
        return f"word {self._at + 1}" + (f", behind: {shown}" if shown else "")

    def next(self, after: str) -> str:
        self._at += 1
        if self._at > len(self._words):
            raise ValueError(f"{after}: a value is missing")
        return self._words[self._at - 1]

    def following(self, *texts: str) -> bool:
        """Whether the next word is one of these; it is not read."""
        return bool(self) and self._words[self._at] in texts

    def value(self, word: str, parse: Callable[[str], T]) -> T:
        return _parsed(word, parse, self.next(word))

    def values(self, word: str, parse: Callable[[str], T]) -> list[T]:
        """One value, or several in `[ ]` or `( )`; commas between them are allowed."""
        text = self.next(word)
        if text not in _CLOSING:
            return [_parsed(word, parse, text)]
        closing, found = _CLOSING[text], []
        while (text := self.next(word)) != closing:
            if text != ",":
                found.append(_parsed(word, parse, text))
        if not found:
            raise ValueError(f"{word}: nothing between the brackets")
        return found


def shortened(text: str) -> str:
    return text if len(text) <= 2 * _SHOWN else f"{text[:_SHOWN]}... of {len(text)} characters"


def number(maximum: int, minimum: int = 0) -> Callable[[str], int]:
    def parse(text: str) -> int:
        plain = text.isascii() and text.isdecimal() and len(text) <= 40
        if not plain or not minimum <= int(text) <= maximum:
            raise ValueError(f"{text!r} is not a number from {minimum} to {maximum}")
        return int(text)

    return parse


def hexadecimal(text: str) -> bytes:
    """`0x` and whole octets."""
    if text[:2].lower() != "0x":
        raise ValueError(f"{text!r} does not start with 0x")
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise ValueError(f"{text!r} is not whole octets in hexadecimal") from None


def _parsed(word: str, parse: Callable[[str], T], text: str) -> T:
    try:
        return parse(text)
    except ValueError as error:
        told = str(error).replace(repr(text), repr(shortened(text)))
        raise ValueError(f"{word}: {told[:_TOLD]}") from None


def _pieces(word: str) -> list[str]:
    """ExaBGP puts blanks only inside of brackets, and in the configuration file around no parentheses."""
    if len(word) > 1 and word[0] in _QUOTES and word[-1] == word[0]:
        return [word[1:-1]]
    return _PIECES.findall(word)
