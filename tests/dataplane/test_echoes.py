"""What says nothing new is not asked for: to take it in must not change what is believed."""

from copy import deepcopy
from functools import reduce
from operator import or_

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evpn.dataplane.echoes import is_believed
from evpn.dataplane.entries import (
    AF_BRIDGE,
    NTF_EXT_LEARNED,
    NTF_OFFLOADED,
    NTF_ROUTER,
    NTF_SELF,
    NTF_STICKY,
    NUD_FAILED,
    NUD_INCOMPLETE,
    NUD_NOARP,
    NUD_PERMANENT,
    NUD_REACHABLE,
    NUD_STALE,
    RTM_DELNEIGH,
    RTPROT_BGP,
    Kind,
    NeighborRow,
    mac_row,
)
from evpn.dataplane.plan import STATIC_L2, Plan
from evpn.dataplane.segment import Segment
from evpn.netlink.constants import AF_INET
from evpn.netlink.neighbor import NeighborMessage
from evpn.values import NO_IP
from tests.builders import IP1, M1, M2, VTEP2, VTEP3, a_segment
from tests.kernel_rows import BRIDGE, DEVICE, PORT, bridge_row, neighbor_row, tunnel_row

PLANS = [Plan(), Plan(learning=True), Plan(proxy=True)]
STATES = [NUD_REACHABLE, NUD_STALE, NUD_NOARP, NUD_PERMANENT, NUD_NOARP | NUD_PERMANENT, NUD_FAILED, NUD_INCOMPLETE]
FLAGS = [NTF_EXT_LEARNED, NTF_STICKY, NTF_ROUTER, NTF_OFFLOADED, NTF_SELF]
NEXTHOP = 7

macs, vteps = st.sampled_from((M1, M2)), st.sampled_from((VTEP2, VTEP3))
states, gone = st.sampled_from(STATES), st.booleans()
flags = st.lists(st.sampled_from(FLAGS), max_size=3).map(lambda chosen: reduce(or_, chosen, 0))
protocols = st.sampled_from((RTPROT_BGP, 11, 0))
tunnel_rows = st.builds(tunnel_row, macs, vteps, states, flags, gone=gone)
told = st.one_of(
    tunnel_rows,
    st.builds(tunnel_row, macs, st.just(NO_IP), states, flags, gone=gone).map(
        lambda row: row._replace(nexthop_id=NEXTHOP)
    ),
    st.builds(bridge_row, macs, st.sampled_from((DEVICE, PORT)), states, flags, gone=gone),
    st.builds(neighbor_row, st.just(IP1), macs, states, flags, protocols, st.sampled_from((BRIDGE, DEVICE)), gone),
)
wishes = st.one_of(
    st.tuples(st.just(Kind.MAC), macs, st.none() | st.builds(mac_row, vteps, st.booleans())),
    st.tuples(st.just(Kind.NEIGHBOR), st.just(IP1), st.none() | st.builds(NeighborRow, macs, st.booleans())),
)
steps = st.one_of(told, wishes, st.just("written"))


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(PLANS), st.lists(steps, max_size=6), told)
@example(STATIC_L2, [tunnel_row(M1, VTEP3, NUD_NOARP, NTF_SELF)], tunnel_row(M1, VTEP3, gone=True))
@example(STATIC_L2, [(Kind.MAC, M1, mac_row(VTEP2)), "written"], tunnel_row(M1, VTEP2))
@example(STATIC_L2, [(Kind.MAC, M1, mac_row(VTEP2)), "written"], tunnel_row(M1, NO_IP)._replace(nexthop_id=NEXTHOP))
def test_what_is_believed_changes_nothing(wanted: Plan, story: list[object], row: NeighborMessage) -> None:
    segment = a_segment()
    segment.plan = wanted
    for step in story:
        play(segment, step)

    believed, before = is_believed(segment, row, row.type != RTM_DELNEIGH), state(segment)
    observe(segment, row)

    assert not believed or state(segment) == before


def test_an_echo_is_believed() -> None:
    """Or nothing would be gained."""
    segment = a_segment()
    for step in ((Kind.MAC, M1, mac_row(VTEP2)), (Kind.NEIGHBOR, IP1, NeighborRow(M1, False)), "written"):
        play(segment, step)

    echoes = tunnel_row(M1, VTEP2), bridge_row(M1, DEVICE, flags=NTF_EXT_LEARNED), neighbor_row(IP1, M1)
    assert all(is_believed(segment, row, present=True) for row in echoes)


def play(segment: Segment, step: object) -> None:
    if isinstance(step, NeighborMessage):
        observe(segment, step)
    elif isinstance(step, tuple):
        kind, key, wish = step
        if not (segment.reserved(key) or key in segment.foreign_neighbors):
            segment.table(kind).want(key, wish)
    else:
        write(segment)


def write(segment: Segment) -> None:
    """All that differs; the kernel takes it."""
    for kind in (Kind.MAC, Kind.NEIGHBOR):
        for removals in (True, False):
            batch = segment.table(kind).batch(10, removals)
            if len(batch):
                segment.table(kind).launch(batch)
                segment.table(kind).observe_batch(batch)
            for key, _, new in batch:
                if new is not None:
                    segment.displace(kind, key)


def observe(segment: Segment, row: NeighborMessage) -> None:
    present = row.type != RTM_DELNEIGH
    if row.family == AF_BRIDGE:
        segment.observe(row, present)
    elif row.family == AF_INET and row.ifindex == segment.neighbor_device:
        segment.observe_neighbor(row, present)


def state(segment: Segment) -> object:
    rows = segment.macs.actual, segment.neighbors.actual, segment.hosts.actual
    others = segment.foreign, segment.foreign_bridge, segment.foreign_hosts, segment.foreign_neighbors, segment.own
    return deepcopy((rows, others))
