import os
import socket
from pathlib import Path

import pytest

from tests.namespaces import Namespace, veth

pytestmark = pytest.mark.kernel


def test_a_namespace_is_gone_with_everything_in_it() -> None:
    with Namespace("a") as a, Namespace("b") as b:
        veth(a, "left", b, "right")
        assert "left" in a.run("ip", "link", "show", "dev", "left")
        assert "LOWER_UP" in b.run("ip", "link", "show", "dev", "right")
    assert not Path("/run/netns", a.name).exists()


def test_entering_lasts_until_leaving_even_by_an_error() -> None:
    before = os.stat("/proc/thread-self/ns/net").st_ino
    with Namespace() as inside:
        inside.run("ip", "link", "add", "only-here", "type", "bridge")
        with pytest.raises(ZeroDivisionError), inside.entered():
            assert socket.if_nametoindex("only-here") > 0
            raise ZeroDivisionError
    assert os.stat("/proc/thread-self/ns/net").st_ino == before


def test_without_root_the_tests_fail_and_say_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    with pytest.raises(RuntimeError, match="run them as root"), Namespace():
        pass


def test_what_a_command_says_when_it_fails_is_told() -> None:
    with Namespace() as inside, pytest.raises(RuntimeError, match="does not exist"):
        inside.run("ip", "link", "show", "dev", "nothing")
