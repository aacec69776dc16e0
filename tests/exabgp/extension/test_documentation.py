"""docs/exabgp.md: every example on the page does what it says, and no word of the grammar is missing from it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from exabgp.protocol.family import AFI, SAFI

from evpn.exabgp.extension import grammar
from evpn.exabgp.extension.attribute_words import REFUSED, WORDS
from evpn.exabgp.extension.commands import VERBS
from evpn.wire.communities import EXAMPLES, TUNNELS, parse_community

from .test_commands import Reactor

PAGE = (Path(__file__).parents[3] / "docs/exabgp.md").read_text()
BLOCKS = [block.strip("\n") for block in PAGE.split("```")[1::2]]
LINES = [line for block in BLOCKS for line in block.splitlines()]

PLACEHOLDERS = re.compile(r"\b(TYPE|HEX|ID|N|A)\b")
COMMANDS = [line for line in LINES if line.startswith(tuple(VERBS)) and not PLACEHOLDERS.search(line)]
ANSWERS = [line for line in LINES if line.startswith("{") and not PLACEHOLDERS.search(line)]
FILES = [block for block in BLOCKS if block.startswith("neighbor ")]


def table(heading: str) -> list[list[str]]:
    """Rows of the table behind a heading, cell by cell."""
    section = PAGE.partition(f"### {heading}\n")[2].partition("\n#")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("|")]
    return rows[2:]


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


@pytest.fixture
def reactor(installed: list[str]) -> Reactor:
    return Reactor([(AFI.l2vpn, SAFI.evpn)])


def test_there_is_an_example_of_each_type() -> None:
    assert {line.split()[2] for line in COMMANDS if line.startswith("announce")} - {"id"} == grammar.KINDS.keys()


@pytest.mark.parametrize("line", [line for line in COMMANDS if " 16777216 " not in line])
def test_an_example_is_accepted(reactor: Reactor, line: str) -> None:
    if line.startswith("withdraw"):
        for announced in COMMANDS:
            if announced.startswith("announce"):
                reactor.say(announced)

    assert reactor.say(line) == ["done"]


def test_the_mistake_is_answered_as_it_says(reactor: Reactor) -> None:
    (line,) = (line for line in COMMANDS if " 16777216 " in line)
    answer = json.loads(LINES[LINES.index(line) + 1])

    assert reactor.say(line) == [answer, "error"]
    (of_the_file,) = (line for line in LINES if line.startswith("/etc/exabgp/"))
    assert of_the_file == f"/etc/exabgp/exabgp.conf line 10: {answer['error']}"


@pytest.mark.parametrize("line", ANSWERS)
def test_an_answer_is_json(line: str) -> None:
    assert json.loads(line)["type"].startswith("evpn-")


@pytest.mark.parametrize("text", FILES)
def test_an_example_of_a_file_is_accepted(installed: list[str], tmp_path: Path, text: str) -> None:
    from exabgp.configuration.configuration import Configuration
    from exabgp.rib import RIB

    RIB._cache.clear()
    path = tmp_path / "exabgp.conf"
    path.write_text(text)
    configuration: Any = Configuration([str(path)])

    assert configuration.reload(), configuration.error
    (neighbor,) = configuration.neighbors.values()
    assert len(list(neighbor.rib.outgoing.cached_changes())) == text.count("    evpn ") > 0


def test_every_field_has_a_row() -> None:
    told = {word for row in table("Fields") for word in words(row[0])}

    assert told == {*grammar._FIELDS}


@pytest.mark.parametrize("row", table("Fields"), ids=lambda row: row[0])
def test_a_field_is_told_to_be_of_the_types_that_take_it(row: list[str]) -> None:
    numbers = dict(enumerate(("ethernet-ad", "mac-ip", "multicast", "ethernet-segment", "prefix"), 1))
    field = grammar._OTHER_NAMES.get(words(row[0])[0], words(row[0])[0])
    takers = {name for name, kind in grammar.KINDS.items() if field in (*kind.required, *kind.optional)}
    told = set(words(row[1])) | {name for number, name in numbers.items() if str(number) in row[1]}
    if row[1] == "all":
        assert field == "next-hop"
    elif row[1] == "1 to 5":
        assert takers == set(numbers.values())
    else:
        assert told == takers


def test_every_attribute_has_a_row() -> None:
    told = {word for row in table("Attributes") for word in words(row[0])}

    assert told == {*WORDS, "attribute"}


NO_VALUES = ("leaf", "flags 3", "label 16", "[ ]", "0x...", "capability { aigp enable; }")


@pytest.mark.parametrize("row", table("Attributes"), ids=lambda row: row[0])
def test_every_value_of_an_attribute_is_taken(reactor: Reactor, row: list[str]) -> None:
    names, values = words(row[0]), words(row[1])
    shown = [value for value in values if value not in NO_VALUES] or ["5"]
    if names == ["originator-id", "cluster-list"]:
        said = [f"{name} {value}" for name, value in zip(names, shown, strict=True)]
    elif names == ["atomic-aggregate", "aggregator"]:
        said = [names[0], f"{names[1]} {shown[0]}"]
    else:
        said = [f"{name} {value}" for name in names for value in shown]

    for attribute in said:
        line = f"announce evpn multicast rd 1:1 ip 10.0.0.3 next-hop self {attribute}"
        assert reactor.say(line) == ["done"], attribute


def test_what_is_refused_is_named() -> None:
    sentence = PAGE.partition("`path-information`")
    assert set(words(sentence[1] + sentence[2].partition("are refused")[0])) == set(REFUSED)


COMMUNITIES = table("Extended communities")


@pytest.mark.parametrize("row", COMMUNITIES, ids=lambda row: row[0])
def test_a_community_is_of_the_type_that_its_row_tells(row: list[str]) -> None:
    for text in words(row[0]):
        assert parse_community(text)[:2].hex() == row[1]


def test_every_community_has_a_row() -> None:
    told = {text.partition(":")[0] for row in COMMUNITIES for text in words(row[0])}

    assert {name for name in EXAMPLES if name != "0x"} <= told
    (encapsulations,) = (row[2] for row in COMMUNITIES if row[0].startswith("`encap:"))
    assert set(words(encapsulations)) == set(TUNNELS)
