"""A thread that works through lots: what comes of each, also when it fails."""

import gc
import weakref

import pytest

from evpn.netlink.background import Background


class Rows:
    """What a look at the kernel has of a table until it fails."""


def test_what_failed_work_had_until_then_is_gone_without_a_collector() -> None:
    """Who writes very many rows freezes what there is, and what is in a cycle by then stays for good."""
    left = []

    def work(lot: int) -> int:
        rows = Rows()
        left.append(weakref.ref(rows))
        if lot:
            raise ValueError("dump")
        return lot

    background = Background("test", work)
    background.open()
    gc.disable()
    try:
        for lot in (1, 0):  # by the second one the thread is done with the first
            background.start(lot)
            if lot:
                with pytest.raises(ValueError, match="dump") as raised:
                    background.result()
                del raised
            else:
                assert background.result() == 0
        assert left[0]() is None
    finally:
        gc.enable()
