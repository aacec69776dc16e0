"""Samples -> tables: what is compared with what."""

from tests.bench.growth import GrowthFound
from tests.bench.report import Sheet, growth, markdown, soak
from tests.bench.vteps import Frr, Ours

FOUND: GrowthFound = {
    Ours.name: {
        1_000: {"announce.cpu": [30, 10, 20], "memory.rss": [50.0]},
        10_000: {"announce.cpu": [10.0], "memory.rss": [70.0]},
        100_000: {"announce.cpu": [12.0], "memory.rss": [2600.0]},
    },
    Frr.name: {1_000: {"announce.cpu": [10.0]}, 100_000: {"announce.cpu": [20.0]}},
}


def rows_of(sheet: Sheet) -> dict[str, tuple[str, ...]]:
    return {title: cells for title, *cells in sheet.rows}  # type: ignore[misc]


def test_a_route_among_most_is_compared_with_the_cheapest_of_the_others() -> None:
    rows = rows_of(growth(FOUND, "tiny"))

    cheap, dear = "evpn: CPU of the announcement, per route", "FRR: CPU of the announcement, per route"
    assert rows[cheap] == ["20.0 us", "10.0 us", "12.0 us", "1.20", "<= 1.3", "reached"]
    assert rows[dear] == ["10.0 us", "-", "20.0 us", "2.00", "<= 1.3", "missed"]


def test_memory_in_all_has_a_limit_of_its_own() -> None:
    memory = rows_of(growth(FOUND, "tiny"))["evpn: memory, in all"]

    assert memory[-3:] == ["", "<= 2,500 MiB", "missed"]


def test_what_was_not_measured_has_no_row() -> None:
    assert len(growth(FOUND, "tiny").rows) == 3


def test_growth_in_a_soak_is_the_median_of_the_steps_of_its_second_half() -> None:
    memory = {"routes": {"evpn": {"all": [50.0, 60.0, 61.0, 61.0, 61.5, 61.5, 70.0]}}}

    assert soak(memory, "tiny").rows == [("routes: evpn, all", "7", "61.0 MiB", "70.0 MiB", "+512 KiB")]


def test_a_soak_of_one_cycle_has_no_growth() -> None:
    assert soak({"vnis": {"evpn": {"all": [50.0]}}}, "tiny").rows[0][1:] == ("1", "50.0 MiB", "50.0 MiB", "-")


def test_a_bar_in_a_title_does_not_end_a_cell_of_the_page() -> None:
    page = markdown(Sheet("title", ("what", "ours"), [("a | b", "1 s")]))

    assert page.splitlines() == ["title", "", "| what | ours |", "| --- | ---: |", r"| a \| b | 1 s |"]
