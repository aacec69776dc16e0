"""Rows are printed while they come: the first ones at once, and none is kept."""

import io
import json
import tracemalloc
from collections.abc import Callable, Generator
from contextlib import redirect_stdout
from typing import Any

import pytest

from evpn.cli.show import print_json, print_table

MANY = 20_000
Rows = Generator[dict[str, Any], None, None]
Print = Callable[[Rows], None]
PRINTS: dict[str, Print] = {"table": lambda rows: print_table("mac", rows), "json": print_json}


class Sink(io.StringIO):
    """Counts what is printed, and keeps nothing of it."""

    octets = 0

    def write(self, text: str) -> int:
        self.octets += len(text)
        return len(text)


@pytest.fixture
def sink() -> Sink:
    return Sink()


def row(number: int) -> dict[str, Any]:
    return {
        "vni": 100,
        "mac": f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}",
        "ip": ["192.0.2.1"],
        "sticky": False,
    }


@pytest.mark.parametrize("how", PRINTS)
def test_the_first_rows_are_out_before_the_last_ones_have_come(sink: Sink, how: str) -> None:
    printed: list[int] = []

    def rows() -> Rows:
        for number in range(3000):
            printed.append(sink.octets)
            yield row(number)

    with redirect_stdout(sink):
        PRINTS[how](rows())

    assert printed[0] == 0
    assert printed[1010] > 1000 * 30
    assert sorted(set(printed[1010:])) == printed[1010:], "each is printed when it comes"


@pytest.mark.parametrize("how", PRINTS)
def test_very_many_take_no_more_memory_than_those_that_are_measured(sink: Sink, how: str) -> None:
    with redirect_stdout(sink):
        PRINTS[how](row(number) for number in range(10))  # what is imported and cached first
        tracemalloc.start()
        try:
            PRINTS[how](row(number) for number in range(MANY))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert sink.octets > MANY * 30
    assert peak < 1_500_000, "a thousand rows take 0.6 MB, all of them 12"


def test_a_row_that_is_wider_than_those_measured_is_printed_all_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    print_table("mac", ({"vni": 10**number if number > 1000 else 1, "mac": "x"} for number in range(1003)))

    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["vni  mac", "1    x"]
    assert lines[-1].split() == [str(10**1002), "x"]


def test_json_is_one_array_whatever_its_length(capsys: pytest.CaptureFixture[str]) -> None:
    for rows in ([], [row(1)], [row(1), row(2)]):
        print_json(rows)
        assert json.loads(capsys.readouterr().out) == rows
