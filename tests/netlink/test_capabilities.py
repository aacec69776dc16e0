from pathlib import Path

import pytest

from evpn.netlink.capabilities import NET_ADMIN, NET_RAW, has


@pytest.mark.parametrize(
    ("effective", "admin", "raw"),
    [
        ("000001ffffffffff", True, True),
        ("0000000000001000", True, False),
        ("000001ffffffefff", False, True),
        ("0000000000002000", False, True),
        ("0000000000000000", False, False),
    ],
)
def test_bits_of_the_effective_set_decide(tmp_path: Path, effective: str, admin: bool, raw: bool) -> None:
    status = tmp_path / "status"
    status.write_text(f"Name:\tpython\nCapPrm:\t000001ffffffffff\nCapEff:\t{effective}\nSeccomp:\t0\n")

    assert (has(NET_ADMIN, status), has(NET_RAW, status)) == (admin, raw)


def test_a_kernel_that_does_not_tell_gives_nothing(tmp_path: Path) -> None:
    status = tmp_path / "status"
    status.write_text("Name:\tpython\n")

    assert has(NET_ADMIN, status) is False
