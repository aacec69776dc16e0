import pytest

from tests.agent.vtep import Vtep


@pytest.fixture
def vtep() -> Vtep:
    """Two reflectors are up and have said all they have: nothing."""
    vtep = Vtep()
    vtep.peer_up()
    vtep.settle()
    return vtep
