"""What all tests share: patience of hypothesis on a busy machine, and figures that are shown at the end.

Builders are in `builders`, far sides in `fakes`.
"""

from collections.abc import Callable

import pytest
from hypothesis import settings

settings.register_profile("evpn", deadline=None)
settings.load_profile("evpn")

_FIGURES: pytest.StashKey[list[str]] = pytest.StashKey()


@pytest.fixture(scope="session")
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """A line for who reads what the tests print: something that was measured."""
    return request.config.stash.setdefault(_FIGURES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(_FIGURES, []):
        terminalreporter.write_line(line)
