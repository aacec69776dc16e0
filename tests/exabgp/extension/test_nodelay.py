"""A connection that we open does not wait to fill its packets."""

import socket

from exabgp.reactor.network import outgoing

from evpn.exabgp.extension import nodelay


def test_a_socket_that_is_made_for_a_session_has_no_delay() -> None:
    nodelay.install()
    with socket.socket() as opened:
        outgoing.asynchronous(opened, "192.0.2.1")

        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert not opened.getblocking()
