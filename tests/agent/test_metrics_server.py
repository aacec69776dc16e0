"""The port for Prometheus, and who means no good with it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, Gauge, MetricsHandler

from evpn.agent.metrics_server import CONNECTIONS, Server, keep_serving, serve
from tests.netns.conftest import until
from tests.scarcity import no_threads

HOST = "127.0.0.1"


@pytest.fixture
def registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    Gauge("evpn_in_sync", "1 once the routes are complete.", registry=registry).set(1)
    return registry


@contextmanager
def running(registry: CollectorRegistry, timeout: float) -> Iterator[int]:
    with Server(HOST, 0, MetricsHandler.factory(registry), timeout) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.socket.getsockname()[1]
        server.shutdown()
        thread.join()


def scrape(port: int) -> str:
    with urlopen(f"http://{HOST}:{port}/metrics", timeout=10) as answer:
        return str(answer.read().decode())


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def test_connections_that_say_nothing_take_no_more_than_their_places_and_keep_nobody_out(
    registry: CollectorRegistry,
) -> None:
    before = threading.active_count()
    with running(registry, timeout=60.0) as port, ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection((HOST, port))) for _ in range(5 * CONNECTIONS)]

        assert "evpn_in_sync 1.0" in scrape(port)
        until(lambda: sum(map(is_closed, silent)) >= 4 * CONNECTIONS)
        assert threading.active_count() <= before + 1 + CONNECTIONS
        assert not is_closed(silent[-1])


@pytest.mark.parametrize("said", [b"", b"GET /metrics HT"])
def test_a_connection_that_stops_speaking_is_closed(registry: CollectorRegistry, said: bytes) -> None:
    with running(registry, timeout=0.1) as port, socket.create_connection((HOST, port)) as silent:
        silent.sendall(said)

        until(lambda: is_closed(silent))
        assert "evpn_in_sync 1.0" in scrape(port)


def test_a_port_that_is_taken_is_tried_again(registry: CollectorRegistry, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "evpn.agent.metrics_server")
    told: Callable[[], list[str]] = lambda: [record.message for record in caplog.records]  # noqa: E731
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        threading.Thread(target=keep_serving, args=(registry, HOST, port, 0.05), daemon=True).start()
        until(told)

    until(lambda: len(told()) > 1)
    assert "evpn_in_sync 1.0" in scrape(port)
    assert told() == [
        f"metrics not served, to be tried again host={HOST} port={port} error=address already in use",
        f"metrics host={HOST} port={port}",
    ]


def test_without_a_thread_there_are_no_metrics_but_an_agent(
    registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    with no_threads():
        serve(registry, HOST, 9479)

    assert [record.message for record in caplog.records] == ["metrics not served error=can't start new thread"]
