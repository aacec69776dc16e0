from pathlib import Path

import pytest
import yaml

from evpn.config import document
from evpn.config.errors import ConfigError

BOTH = pytest.mark.parametrize("loader", [yaml.SafeLoader, yaml.CSafeLoader], ids=["python", "c"])


@pytest.fixture(autouse=True)
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "loader" in request.fixturenames:
        monkeypatch.setattr(document, "_LOADER", request.getfixturevalue("loader"))


def refusal(text: str) -> str:
    with pytest.raises(ConfigError) as caught:
        document.parse(text, "x.yaml")
    return str(caught.value)


@BOTH
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("100", 100),
        ("-1", -1),
        ("0", 0),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'100'", "100"),
        ("!!str 100", "100"),
        ("|\n  100\n", "100\n"),
        ("no", "no"),
        ("on", "on"),
        ("0x10", "0x10"),
        ("010", "010"),
        ("1_000", "1_000"),
        ("1.5", "1.5"),
        ("2026-01-01", "2026-01-01"),
        ("50:54:33:00:00:09", "50:54:33:00:00:09"),
        ("65000:10", "65000:10"),
        ("[65000:100, 2001:db8::1]", ["65000:100", "2001:db8::1"]),
        ("{a: 1, b: [c, 2]}", {"a": 1, "b": ["c", 2]}),
        ("1: a", {"1": "a"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
    ],
)
def test_a_value_is_what_it_looks_like(loader: type, text: str, value: object) -> None:
    assert document.parse(text, "x.yaml") == value


@BOTH
@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\na: 2", "x.yaml: a: found twice, again in line 2; accepted: once"),
        ("a:\n  - b: 1\n    b: 2", "x.yaml: a[0].b: found twice, again in line 3; accepted: once"),
        ("a: 1\n---\nb: 2", "x.yaml:3: found a second document; accepted: one"),
        ("? [a]\n: b", "x.yaml:1: found a key that is not text; accepted: key: value"),
        ("a: !secret b", "x.yaml: a: found the tag !secret; accepted: no tags"),
        ("a: !!int 5", "x.yaml: a: found the tag tag:yaml.org,2002:int; accepted: no tags"),
        ("a: *b", "x.yaml:1: found *b; accepted: an anchor defined before, or quotes"),
        ("a: &b [*b]", "x.yaml:1: found *b; accepted: an anchor defined before, or quotes"),
        ("[" * 100_000, "x.yaml:1: nested too deeply; accepted: at most 32 levels"),
        ("{a: " * 100_000, "x.yaml:1: nested too deeply; accepted: at most 32 levels"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_not_a_plain_document_is_refused(loader: type, text: str, line: str) -> None:
    assert refusal(text) == line


@BOTH
@pytest.mark.parametrize(
    ("text", "begin"),
    [
        ("a: 1\nb: c: d", "x.yaml:2: not YAML: mapping values are not allowed"),
        ("a: '1", "x.yaml:1: not YAML: while scanning a quoted scalar, "),
        ("a: 1\nb: [*:100]", "x.yaml:2: not YAML: while scanning an alias, "),
        ("a: \x01", "x.yaml: not YAML: unacceptable character #x0001: "),
    ],
)
def test_a_syntax_error_names_file_and_line(loader: type, text: str, begin: str) -> None:
    line = refusal(text)
    assert line.startswith(begin)
    assert "\n" not in line


def test_a_wildcard_without_quotes_gets_a_hint() -> None:
    assert refusal("import: [*:100]").endswith("; a value that begins with * needs quotes")


def test_aliases_of_aliases_take_no_space() -> None:
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    value = document.parse("\n".join(lines), str(Path("x.yaml")))
    assert isinstance(value, dict)
    assert len(value) == 30
