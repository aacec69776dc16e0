"""Rows of MACs asked for by their keys (RTM_GETNEIGH), very many of them: each costs the same, however many there are.

1.1 us for a row, 0.2 of it ours: questions are joined, answers are read by one recvmmsg(2), and by the column.
"""

from collections.abc import Sequence

from evpn.netlink.columns import Table
from evpn.netlink.dump import QUESTIONS, connected, is_absent, reporting
from evpn.netlink.errors import malformed
from evpn.netlink.inbox import HEAD, Inbox
from evpn.netlink.neighbor import decode, get_bridge_row, get_tunnel_row
from evpn.values import ZERO_MAC, MacAddress

_WHAT = "questions for rows"
_MAC = slice(32, 38)
"""Where a question has the MAC."""


class Asker:
    """Keeps the memory that answers are read into."""

    def __init__(self) -> None:
        self._inbox = Inbox()

    def bridge_rows(self, table: Table, port: int, macs: Sequence[MacAddress]) -> None:
        """The rows of the bridge of this port, on whatever port, into the table; there may be none."""
        self._ask(table, get_bridge_row(port, ZERO_MAC), macs)

    def tunnel_rows(self, table: Table, device: int, macs: Sequence[MacAddress]) -> None:
        """The same, of a VXLAN device."""
        self._ask(table, get_tunnel_row(device, ZERO_MAC), macs)

    def _ask(self, table: Table, one: bytes, macs: Sequence[MacAddress]) -> None:
        before, behind = one[: _MAC.start], one[_MAC.stop :]
        between = behind + before
        with reporting(_WHAT), connected() as opened:
            for start in range(0, len(macs), QUESTIONS):
                asked = macs[start : start + QUESTIONS]
                opened.send(before + between.join(asked) + behind)
                sizes = self._inbox.receive(
                    opened.fileno(), len(asked)
                )  # the kernel has answered before `send` returns
                if len(sizes) != len(asked):
                    raise malformed(f"{len(sizes)} answers to {len(asked)} questions")
                self._read(table, sizes)

    def _read(self, table: Table, sizes: Sequence[int]) -> None:
        heads = self._inbox.heads(len(sizes))
        for size in set(sizes):
            places = [place for place, each in enumerate(sizes) if each == size]
            alike = (
                heads if len(places) == len(sizes) else b"".join(heads[at * HEAD : (at + 1) * HEAD] for at in places)
            )
            if size > HEAD or not table.read_alike(alike, size, HEAD):
                for place in places:
                    answer = self._inbox.datagram(place, size)
                    if not is_absent(answer, _WHAT):
                        table.rows += decode(answer)
