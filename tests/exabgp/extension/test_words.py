"""Words are read from the front, whatever stands between them, and know where they are."""

import pytest

from evpn.exabgp.extension.words import Words, hexadecimal, number, shortened


def read(text: str) -> list[str]:
    words, found = Words(text.split()), []
    while words:
        found.append(words.next("test"))
    return found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a b", ["a", "b"]),
        ("a[1,2]b", ["a", "[", "1", ",", "2", "]", "b"]),
        ("(1.1:2) ;", ["(", "1.1:2", ")"]),
        ("a;", ["a"]),
        ("a; b", ["a", ";", "b"]),
        ("'a' \"b\" '[1]'", ["a", "b", "[1]"]),
        ("'a b'", ["'a", "b'"]),
        ("' \"", ["'", '"']),
        ("", []),
        (";", []),
    ],
)
def test_words_are_what_blanks_and_brackets_leave(text: str, words: list[str]) -> None:
    assert read(text) == words


@pytest.mark.parametrize("text", ["5", "[ 5 ]", "(5)", "[5,]", "[ , 5 ]"])
def test_one_value_with_brackets_or_without(text: str) -> None:
    assert Words(text.split()).values("vni", number(9)) == [5]


def test_several_values_in_brackets() -> None:
    words = Words(["[1,2", "3]", "next"])

    assert words.values("vni", number(9)) == [1, 2, 3]
    assert words.following("next") and not words.following("3")


@pytest.mark.parametrize(
    ("text", "reason", "place"),
    [
        ("", "vni: a value is missing", "word 2"),
        ("[", "vni: a value is missing", "word 3, behind: ["),
        ("[ 1 2 3 4", "vni: a value is missing", "word 7, behind: 2 3 4"),
        ("[ ]", "vni: nothing between the brackets", "word 3, behind: ["),
        ("[ 1 )", "vni: ')' is not a number from 0 to 9", "word 4, behind: [ 1"),
        ("10", "vni: '10' is not a number from 0 to 9", "word 2"),
    ],
)
def test_a_mistake_and_its_place(text: str, reason: str, place: str) -> None:
    words = Words(text.split())

    with pytest.raises(ValueError, match=r"^vni: ") as mistake:
        words.values("vni", number(9))

    assert (str(mistake.value), words.place) == (reason, place)


def test_what_stands_before_a_mistake_is_told_shortened() -> None:
    words = Words(["x" * 1000, "y"])
    words.next("test")
    words.next("test")

    assert words.place == f"word 3, behind: {'x' * 40}... of 1000 characters"
    assert shortened("y" * 80) == "y" * 80


@pytest.mark.parametrize("text", ["-1", "+1", "1_0", "", " 1", "\u0663", "0x1", "1" * 41])
def test_only_digits_are_a_number(text: str) -> None:
    with pytest.raises(ValueError, match="is not a number from 1 to 5"):
        number(5, 1)(text)


def test_octets_in_hexadecimal() -> None:
    assert hexadecimal("0x") == b""
    assert hexadecimal("0XfF00") == b"\xff\0"
    for text in ("ff", "0xf", "0xzz", "0x\u0663\u0663"):
        with pytest.raises(ValueError, match=text):
            hexadecimal(text)
