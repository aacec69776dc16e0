"""Prometheus: the rooms keep plain integers, which are read when somebody scrapes."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from evpn.agent import metrics_server
from evpn.agent.loop import Loop


class AgentCollector(Collector):
    def __init__(self, loop: Loop) -> None:
        self._loop = loop

    def collect(self) -> Iterator[Metric]:
        yield from self._totals()
        yield from self._peers()
        yield from self._vnis()

    def _totals(self) -> Iterator[Metric]:
        loop, core = self._loop, self._loop.core
        counters = {
            "evpn_rows_written": ("Kernel rows written.", core.dataplane.written),
            "evpn_rows_removed": ("Kernel rows removed.", core.dataplane.removed),
            "evpn_rows_refused": ("Kernel rows refused.", core.dataplane.refused),
            "evpn_rows_repaired": ("Kernel rows that others changed.", core.kernel.disturbances.repaired),
            "evpn_rows_drifted": ("Kernel rows that a level check found changed, untold.", core.kernel.drift),
            "evpn_netlink_overruns": ("Times that notifications were lost.", core.kernel.overruns),
            "evpn_netlink_failed_dumps": ("Looks at the kernel that failed.", core.kernel.failed_dumps),
            "evpn_snoop_frames_lost": ("ARP and ND that hosts sent faster than it was read.", core.kernel.frames_lost),
            "evpn_exabgp_unreadable_lines": ("Lines from ExaBGP that could not be read.", loop.session.unreadable),
            "evpn_exabgp_failed_commands": ("Commands that ExaBGP refused.", core.announcer.failures),
        }
        for name, (text, value) in counters.items():
            yield CounterMetricFamily(name, text, value)
        yield GaugeMetricFamily("evpn_rows_pending", "Kernel rows still to be written.", core.dataplane.pending)
        yield GaugeMetricFamily("evpn_routes", "EVPN routes known.", len(core.rib.routes))
        yield GaugeMetricFamily("evpn_routes_announced", "EVPN routes announced.", len(core.announcer.routes.actual))
        yield GaugeMetricFamily("evpn_in_sync", "1 once the routes are complete.", int(core.peers.synced))

    def _peers(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("evpn_peer_up", "1 while the BGP session is up.", labels=["peer"])
        updates = CounterMetricFamily("evpn_peer_updates", "UPDATEs received.", labels=["peer"])
        faults = CounterMetricFamily("evpn_peer_faults", "Faults found in UPDATEs (RFC 7606).", labels=["peer"])
        over = CounterMetricFamily("evpn_peer_routes_over_limit", "Routes over max-routes.", labels=["peer"])
        for peer in list(self._loop.core.peers.peers.values()):
            over.add_metric([peer.address], peer.over_limit)
            up.add_metric([peer.address], int(peer.up))
            updates.add_metric([peer.address], peer.updates)
            faults.add_metric([peer.address], peer.faults)
        yield from (up, updates, faults, over)

    def _vnis(self) -> Iterator[Metric]:
        local = GaugeMetricFamily("evpn_vni_local_macs", "MACs on our ports.", labels=["vni"])
        remote = GaugeMetricFamily("evpn_vni_remote_macs", "MACs known from peers.", labels=["vni"])
        refused = CounterMetricFamily("evpn_vni_macs_over_limit", "MACs over max-macs.", labels=["vni"])
        moves = CounterMetricFamily("evpn_vni_refused_moves", "Sticky MACs of peers seen here.", labels=["vni"])
        waiting = GaugeMetricFamily("evpn_vni_waiting_macs", "MACs over max-remote-macs.", labels=["vni"])
        for domain in list(self._loop.core.fabric.domains.values()):
            waiting.add_metric([str(domain.vni)], len(domain.overflow.waiting))
            moves.add_metric([str(domain.vni)], domain.refused_moves)
            local.add_metric([str(domain.vni)], len(domain.local))
            remote.add_metric([str(domain.vni)], len(domain.remote))
            refused.add_metric([str(domain.vni)], domain.over_limit)
        yield from (local, remote, refused, moves, waiting)
        yield from self._demand()

    def _demand(self) -> Iterator[Metric]:
        """Of `dynamic-l3`."""
        answered = CounterMetricFamily("evpn_vni_misses_answered", "Misses that had rows at once.", labels=["vni"])
        unanswered = CounterMetricFamily("evpn_vni_misses_unanswered", "Misses that no route fits.", labels=["vni"])
        for vni, segment in list(self._loop.core.dataplane.segments.items()):
            if segment.plan.misses:
                answered.add_metric([str(vni)], segment.demand.answered)
                unanswered.add_metric([str(vni)], segment.demand.unanswered)
        yield from (answered, unanswered)


def serve(loop: Loop, host: str, port: int) -> None:
    """By threads of their own, which only read."""
    registry = CollectorRegistry()
    registry.register(AgentCollector(loop))
    metrics_server.serve(registry, host, port)
