"""`evpn lab`, as typed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from evpn.cli.lab import command
from evpn.lab.state import STATE
from evpn.lab.topology import Topology

Lab = Callable[[str], Topology]
pytestmark = pytest.mark.kernel

ONE = "name: t-cli\ntopology: {nodes: {a: {kind: linux}}}"
EVPN = str(Path(sys.executable).parent / "evpn")


def evpn_lab(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [EVPN, "lab", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False
    )
    return done.returncode, done.stdout


def test_a_lab_goes_up_is_listed_tested_entered_and_goes_down(lab: Lab, tmp_path: Path) -> None:
    lab(ONE)
    (tmp_path / "expect.yml").write_text("- {name: it is a, node: a, run: hostname, match: ^a$}")

    assert evpn_lab("test", str(tmp_path)) == (1, f"lab t-cli is not up: `evpn lab up {tmp_path}`\n")
    assert evpn_lab("up", str(tmp_path))[0] == 0
    assert "t-cli                up: a\n" in evpn_lab("list")[1]
    code, told = evpn_lab("test", "t-cli")
    assert (code, told.split("(")[0]) == (0, "  ok      it is a ")
    assert evpn_lab("exec", "t-cli", "a", "--", "sh", "-c", "hostname; exit 7") == (7, "a\n")
    assert evpn_lab("exec", "t-cli", "b", "true") == (1, "lab t-cli has no node b: there are a\n")
    assert evpn_lab("down", str(tmp_path / "topology.clab.yml")) == (0, "lab t-cli is down\n")
    assert evpn_lab("down", str(tmp_path)) == (0, "lab t-cli was not up\n")


def test_an_expectation_that_fails_is_exit_1(lab: Lab, tmp_path: Path) -> None:
    lab(ONE)
    (tmp_path / "expect.yml").write_text("- {name: it is b, node: a, run: hostname, match: b, within: 0.1}")
    evpn_lab("up", str(tmp_path))

    code, told = evpn_lab("test", str(tmp_path))

    assert code == 1
    assert "failed  it is b: nothing matches 'b'" in told


@pytest.mark.parametrize(("wanted", "code", "words"), [("a", 0, "ok "), ("b", 1, "failed ")])
def test_a_demonstration_ends_with_the_lab_down(lab: Lab, tmp_path: Path, wanted: str, code: int, words: str) -> None:
    lab(ONE)
    step = f"- {{say: 'Who is it?', name: name, node: a, run: hostname, match: {wanted}, within: 0.1, show: true}}"
    (tmp_path / "expect.yml").write_text(step)

    result, told = evpn_lab("demo", str(tmp_path))

    assert result == code
    assert words in told
    assert "The lab is down again" in told
    assert not (STATE / "t-cli").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("words", ["up", "demo"])
def test_a_signal_takes_the_lab_down(lab: Lab, tmp_path: Path, words: str, number: signal.Signals) -> None:
    line = "exec: [sleep 1000]" if words == "up" else "labels: {}"
    lab(f"name: t-signal\ntopology: {{nodes: {{a: {{kind: linux, {line}}}}}}}")
    (tmp_path / "expect.yml").write_text("- {name: never, node: a, run: sleep 1000, within: 1000}")
    heeding = ["env", "--default-signal=INT"]  # whoever runs the tests in the background may have it ignored
    started = subprocess.Popen(
        [*heeding, EVPN, "lab", words, str(tmp_path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    sleeping = ["ip", "netns", "pids", "clab-t-signal-a"]
    deadline = time.monotonic() + 40
    while len(subprocess.run(sleeping, capture_output=True, check=False).stdout.split()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.1)

    started.send_signal(number)

    assert started.wait(timeout=40) != 0
    assert not (STATE / "t-signal").exists()


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        (
            "name: t-bad\ntopology: {nodes: {a: {kind: linux, user: x}}}",
            2,
            "topology.clab.yml: topology.nodes.a.user: not supp",
        ),
        (
            "name: t-bad\ntopology: {nodes: {a: {kind: linux, exec: ['false']}}}",
            1,
            "node a: exec 'false' ended with status 1",
        ),
    ],
)
def test_what_is_wrong_is_one_line_and_an_exit_code(tmp_path: Path, text: str, code: int, words: str) -> None:
    (tmp_path / "topology.clab.yml").write_text(text)

    result, told = evpn_lab("up", str(tmp_path))

    assert result == code
    assert words in told
    assert "Traceback" not in told


def test_labs_of_the_working_directory_are_listed_and_one_that_cannot_run_hides_no_other(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("good", "bad", "odd"):
        (tmp_path / "labs" / name).mkdir(parents=True)
    (tmp_path / "labs" / "none" / "topology.clab.yml").mkdir(parents=True)
    (tmp_path / "labs" / "odd" / "topology.clab.yml").write_bytes(b"\xff")
    (tmp_path / "labs" / "good" / "topology.clab.yml").write_text(ONE)
    (tmp_path / "labs" / "bad" / "topology.clab.yml").write_text(ONE.replace("linux", "linux, user: x"))
    monkeypatch.chdir(tmp_path)

    code, told = evpn_lab("list")

    assert code == 0
    assert "good                 down\n" in told
    assert "bad                  cannot be run: " in told
    for name in ("none", "odd"):
        assert f"{name:20} cannot be run: {tmp_path}/labs/{name}/topology.clab.yml: cannot be read: " in told
    assert "quickstart " in told
    assert f" {tmp_path}/labs" in told


def test_a_lab_is_listed_by_what_finds_it_and_while_it_is_up_by_its_own_name(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lab(ONE)
    (tmp_path / "labs" / "mine").mkdir(parents=True)
    (tmp_path / "labs" / "mine" / "topology.clab.yml").write_text(ONE)
    monkeypatch.chdir(tmp_path)

    assert "mine                 down\n" in evpn_lab("list")[1]
    assert evpn_lab("up", "mine")[0] == 0
    told = evpn_lab("list")[1]
    assert "t-cli                up: a\n" in told
    assert "mine " not in told
    assert evpn_lab("down", "mine") == (0, "lab t-cli is down\n")


def test_a_lab_that_is_not_there_is_an_error_with_the_known_ones() -> None:
    code, told = evpn_lab("up", "nowhere")

    assert code == 1
    assert "no lab nowhere" in told
    assert "quickstart" in told


def test_without_root_nothing_is_tried(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lab(ONE)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    result = CliRunner().invoke(command, ["up", str(tmp_path)])
    monkeypatch.undo()

    assert (result.exit_code, result.output) == (1, "a lab is made of namespaces: this needs root\n")
