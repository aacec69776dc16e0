"""Who has a netlink socket: this process, whose sockets it opens, and nobody."""

import os
import socket
from pathlib import Path

from evpn.agent.culprit import process_of


def test_every_socket_of_a_process_leads_to_it() -> None:
    """At most the first one has the process id as its port id."""
    me = f"{Path('/proc/self/comm').read_text().strip()}({os.getpid()})"
    with (
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as one,
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as two,
    ):
        one.bind((0, 0))
        two.bind((0, 0))
        ports = one.getsockname()[0], two.getsockname()[0]
        assert ports[0] != ports[1]

        assert [process_of(port) for port in ports] == [me, me]

    assert [process_of(port) for port in ports] == [None, None]


def test_what_cannot_be_read_names_nobody(tmp_path: Path) -> None:
    assert process_of(4711, tmp_path) is None
