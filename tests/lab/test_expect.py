from pathlib import Path

import pytest

from evpn.lab.errors import TopologyError
from evpn.lab.expect import Step, contains, decode, judge

FILE = Path("expect.yml")
CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("step", "status", "output", "why"),
    [
        (Step(), 0, "", ""),
        (Step(), 3, "", "the command ended with status 3"),
        (Step(match="^b"), 1, "a\nb", ""),
        (Step(match=["a", "c"]), 0, "a\nb", "nothing matches 'c'"),
        (Step(absent="b"), 0, "a", ""),
        (Step(absent="b"), 0, "a\nb", "still there: 'b'"),
        (Step(absent="b"), 1, "", "the command ended with status 1"),
        (Step(json={"a": 1}), 0, '{"a": 1, "b": 2}', ""),
        (Step(json={"a": 1}), 0, '{"a": 2}', 'the output has no {"a":1}'),
        (Step(json={"a": 1}), 1, "no agent", "the output is not JSON"),
    ],
)
def test_a_verdict_says_what_is_missing(step: Step, status: int, output: str, why: str) -> None:
    verdict = judge(step, status, output)

    assert (verdict.holds, verdict.why) == (not why, why)


def test_more_than_is_wanted_is_contained_less_is_not() -> None:
    actual = {"vni": 100, "macs": [{"mac": "a", "vtep": "x"}, {"mac": "b", "vtep": "y"}]}

    assert contains(actual, {"macs": [{"mac": "b"}]})
    assert contains(actual, {"macs": []})
    assert not contains(actual, {"macs": [{"mac": "b", "vtep": "x"}]})
    assert not contains(actual, {"macs": {"mac": "b"}})
    assert not contains(actual, {"vni": [100]})
    assert not contains(actual, {"l3vni": None})


@pytest.mark.parametrize("file", sorted((CHECKOUT / "labs").glob("*/expect.yml")), ids=lambda file: file.parent.name)
def test_every_lab_says_what_must_be_true(file: Path) -> None:
    assert any(step.name for step in decode(file.read_text(), file))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not YAML"),
        ("a: b", "a list of steps"),
        ("- {nmae: x}", "step 1: Object contains unknown field 'nmae'"),
        ("- {say: hello}\n- {name: x, run: ls}", "step 2: a step that does something has both 'node' and 'run'"),
        ("- {name: x}", "step 1: a step that does something"),
        ("- {node: a, run: ls, match: '('}", "step 1: regular expression"),
    ],
)
def test_a_step_that_makes_no_sense_is_an_error_naming_it(text: str, words: str) -> None:
    with pytest.raises(TopologyError) as error:
        decode(text, FILE)

    assert str(error.value).startswith("expect.yml: ")
    assert words in str(error.value)
