"""docs/configuration.md against the code: keys, defaults, examples."""

import re
from pathlib import Path

import pytest
from msgspec.inspect import StructType, type_info

from evpn.config.load import loads
from evpn.config.render import names
from evpn.config.schema import (
    DuplicateDetectionText,
    FileText,
    HostText,
    IpsecText,
    MulticastText,
    NeighborText,
    RouteTargetsText,
    VniText,
)

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text()
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
ROWS = {match[1]: match[0] for match in re.finditer(r"^\| `([a-z0-9-]+)` \|.*$", PAGE, re.MULTILINE)}


def keys(schema: type) -> list[str]:
    struct = type_info(schema)
    assert isinstance(struct, StructType)
    return [field.encode_name for field in struct.fields]


def test_every_key_has_a_row_and_every_row_a_key() -> None:
    assert set(names()) <= ROWS.keys()
    assert ROWS.keys() - set(names()) == {*keys(FileText), *keys(NeighborText), *keys(IpsecText), *keys(VniText)}


def test_keys_of_inner_mappings_are_told() -> None:
    inner = [HostText, DuplicateDetectionText, MulticastText, RouteTargetsText]
    assert [key for schema in inner for key in keys(schema) if f"`{key}`" not in PAGE] == []


@pytest.mark.parametrize("schema", [FileText, NeighborText, IpsecText, VniText])
def test_defaults_are_those_of_the_code(schema: type) -> None:
    struct = type_info(schema)
    assert isinstance(struct, StructType)
    for field in struct.fields:
        if isinstance(field.default, bool | int | str):
            default = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
            assert f"| `{default}` |" in ROWS[field.encode_name]


@pytest.mark.parametrize("example", EXAMPLES, ids=["smallest", "everything"])
def test_examples_are_valid(example: str) -> None:
    assert loads(example, Path("vtep.yaml")).vnis


def test_the_smallest_example_runs() -> None:
    assert loads(EXAMPLES[0], Path("vtep.yaml")).vnis


def test_the_example_with_everything_has_everything() -> None:
    whole = EXAMPLES[1]
    wanted = {*keys(FileText), *keys(NeighborText), *keys(IpsecText), *keys(VniText)}
    wanted -= {"password-file", "psk-file", "certificate", "ca"}
    assert [key for key in sorted(wanted) if not re.search(rf"\b{key}:", whole)] == []
