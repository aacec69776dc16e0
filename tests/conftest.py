"""What all tests share: patience of hypothesis on a busy machine, figures that are shown at the end, and the order of
files where several processes share the work.

Builders are in `builders`, far sides in `fakes`.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("evpn", deadline=None)
settings.load_profile("evpn")

_FIGURES: pytest.StashKey[list[str]] = pytest.StashKey()
_LONG = ("tests/interop/", "tests/chaos/", "tests/exabgp/extension/test_releases.py", "tests/lab/", "tests/netns/")


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A line for who reads what the tests print: something that was measured."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The files that take seconds first, so that none of them is left to one process while the others have ended."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: not item.nodeid.startswith(_LONG))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A process of pytest-xdist hands its figures to the one that prints them."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["figures"] = session.config.stash.get(_FIGURES, [])


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash.setdefault(_FIGURES, []).extend(node.workeroutput.get("figures", []))
