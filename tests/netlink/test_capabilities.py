from pathlib import Path

import pytest

from evpn.netlink.capabilities import has_net_admin


@pytest.mark.parametrize(
    "effective, answer",
    [("000001ffffffffff", True), ("0000000000001000", True), ("000001ffffffefff", False), ("0000000000000000", False)],
)
def test_the_twelfth_bit_of_the_effective_set_decides(tmp_path: Path, effective: str, answer: bool) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nSeccomp:\t0\n")

    assert has_net_admin(status) is answer


def test_a_kernel_that_does_not_tell_gives_nothing(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\n")

    assert has_net_admin(status) is False
