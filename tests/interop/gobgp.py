"""GoBGP in a namespace, the second judge beside FRR: a plain peer, a route reflector, an external peer.

    with Namespace("rr") as rr, Namespace("vtep") as vtep:
        connect(rr, "10.0.0.1/24", vtep, "10.0.0.3/24")
        with GoBgp(rr, "10.0.0.1", [Neighbor("10.0.0.3", client=True)]) as gobgp:
            gobgp.wait_for_peers()
            gobgp.routes()

Addresses of neighbours may be IPv4 or IPv6; a reflector is one that has a client. Needs root, iproute2 and Debian's
gobgpd; what is missing fails the test, loudly.

What 3.10 does, as measured:
- Whoever ends a session, it takes no new one for 5 s, and for 30 s after `gobgp neighbor A reset`. The setting
  idle-hold-time-after-reset changes nothing about it. A restart of gobgpd is the fast flap.
- It never sends ROUTE-REFRESH: `softresetin` reads again what it has kept. It answers one, without BoRR and EoRR, but
  with an End-of-RIB behind the routes where graceful restart was negotiated.
- To an external peer it announces itself as the next hop of routes that it has from others.
- It takes 1 000 routes in 0.15 s; to list them takes its command 2 s.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from .frr import Namespace, run, until

_ESTABLISHED = 6
_MP_REACH = 14


class Neighbor(NamedTuple):
    address: str
    peer_as: int = 65000
    client: bool = False
    passive: bool = True  # GoBGP calls after five seconds, ExaBGP at once
    graceful_restart: bool = False  # without it there is no word of an End-of-RIB


class Shown(NamedTuple):
    """One path of a route, in the words of GoBGP's JSON."""

    kind: int  # the route type
    nlri: dict[str, Any]
    next_hop: str
    attributes: dict[int, dict[str, Any]]  # by their codes, without MP_REACH_NLRI
    source: str  # the address of the neighbour; empty for a route of its own


class GoBgp:
    """gobgpd in a namespace, with a directory of its own for its configuration, its log and the socket of its API."""

    def __init__(
        self, namespace: Namespace, router_id: str, neighbors: Sequence[Neighbor], local_as: int = 65000
    ) -> None:
        self.namespace = namespace
        self.neighbors = neighbors
        self.configuration = configuration(router_id, neighbors, local_as)
        self.options: tuple[str, ...] = ()
        """Of gobgpd, besides those that it needs here."""
        self.directory = Path()
        self._daemon: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.remove()

    def remove(self) -> None:
        self.stop()
        if self.directory != Path():
            shutil.rmtree(self.directory, ignore_errors=True)

    def start(self) -> None:
        if self.directory == Path():
            self.directory = Path(tempfile.mkdtemp(prefix="evpn-gobgp-", dir="/tmp"))  # short, for the socket in it
        (self.directory / "gobgp.json").write_text(json.dumps(self.configuration))
        (self.directory / "api").unlink(missing_ok=True)
        arguments = (
            *("--config-file", str(self.directory / "gobgp.json"), "--config-type", "json"),
            *("--api-hosts", self._api, "--pprof-disable", "--log-plain", "--log-level", "info"),
            *self.options,
        )
        with (self.directory / "log").open("ab") as output:
            command = self.namespace.command("gobgpd", *arguments)
            self._daemon = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        until(self._answers, every=0.02)

    def stop(self) -> None:
        daemon, self._daemon = self._daemon, None
        if daemon is None:
            return
        daemon.terminate()
        try:
            daemon.wait(timeout=20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def kill(self) -> None:
        """As a crash would. Stopped in order, it withdraws from one neighbour what it has from another, as they go."""
        assert self._daemon is not None
        self._daemon.kill()
        self._daemon.wait()
        self._daemon = None

    def restart(self) -> None:
        """It remembers nothing, and its neighbours have to come back."""
        self.stop()
        self.start()

    def cli(self, *words: str) -> str:
        return run("gobgp", "--target", self._api, *words)

    def json(self, *words: str) -> Any:
        return json.loads(self.cli(*words, "-j"))

    def announce(self, *words: str) -> None:
        """A route of its own, in the words of `gobgp global rib add -a evpn`."""
        self.cli("global", "rib", "add", "-a", "evpn", *words)

    def withdraw(self, *words: str) -> None:
        self.cli("global", "rib", "del", "-a", "evpn", *words)

    def routes(self) -> dict[str, Shown]:
        """Of `gobgp global rib -a evpn`: its name for the route -> the best path to it."""
        return {name: _path(paths[0]) for name, paths in self.json("global", "rib", "-a", "evpn").items()}

    def neighbor(self, address: str) -> dict[str, Any]:
        neighbor: dict[str, Any] = self.json("neighbor", address)
        return neighbor

    def is_up(self, address: str) -> bool:
        return bool(self.neighbor(address)["state"].get("session_state") == _ESTABLISHED)

    def wait_for_peers(self) -> None:
        until(lambda: all(self.is_up(neighbor.address) for neighbor in self.neighbors))

    def end_of_rib_seen(self, address: str) -> bool:
        """Only of a neighbour with graceful restart on both sides."""
        (family,) = self.neighbor(address)["afi_safis"]
        return bool(family["mp_graceful_restart"]["state"].get("end_of_rib_received"))

    def accepted(self, address: str) -> int:
        """Routes of a neighbour, counted: far quicker than to list them."""
        (family,) = self.neighbor(address)["afi_safis"]
        return int(family["state"].get("accepted", 0))

    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def _api(self) -> str:
        return f"unix://{self.directory / 'api'}"

    def _answers(self) -> bool:
        """With all that is configured: it opens its API first, and reads its configuration then."""
        if self._daemon is not None and self._daemon.poll() is not None:
            raise RuntimeError(f"gobgpd ended with {self._daemon.returncode}: {self.log()}")
        if not (self.directory / "api").exists():
            return False
        return len(self.json("neighbor")) == len(self.neighbors)


def configuration(router_id: str, neighbors: Sequence[Neighbor], local_as: int) -> dict[str, Any]:
    """What gobgpd reads as JSON; the names are those of its TOML."""
    return {
        "global": {"config": {"as": local_as, "router-id": router_id}},
        "neighbors": [_configured(neighbor, router_id) for neighbor in neighbors],
    }


def _configured(neighbor: Neighbor, cluster_id: str) -> dict[str, Any]:
    graceful = {"config": {"enabled": neighbor.graceful_restart}}
    reflector = {"route-reflector-client": neighbor.client, "route-reflector-cluster-id": cluster_id}
    return {
        "config": {"neighbor-address": neighbor.address, "peer-as": neighbor.peer_as},
        "transport": {"config": {"passive-mode": neighbor.passive}},
        "timers": {"config": {"hold-time": 9, "keepalive-interval": 3}},
        "route-reflector": {"config": reflector} if neighbor.client else {},
        "graceful-restart": graceful,
        "afi-safis": [{"config": {"afi-safi-name": "l2vpn-evpn"}, "mp-graceful-restart": graceful}],
    }


def _path(shown: dict[str, Any]) -> Shown:
    attributes = {attribute["type"]: attribute for attribute in shown["attrs"]}
    next_hop = attributes.pop(_MP_REACH)["nexthop"]
    values = {
        code: {word: value for word, value in attribute.items() if word != "type"}
        for code, attribute in attributes.items()
    }
    nlri = shown["nlri"]
    return Shown(nlri["type"], nlri["value"], next_hop, values, shown.get("neighbor-ip", ""))
