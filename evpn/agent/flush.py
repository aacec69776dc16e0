"""`evpn flush`: what bears our mark on the devices of a configuration and on the ports of their bridges, removed.

The agent's own tables with nothing desired: every row that is there differs, and is removed. So is the firewall, or the
next one to serve these VNIs would wonder why nothing gets in.
"""

import contextlib
import time
from typing import NamedTuple

from evpn.agent import firewall
from evpn.agent.host import HostError, check_privilege
from evpn.config.settings import Settings
from evpn.dataplane.attach import attachment, choose, vxlan_by_vni
from evpn.dataplane.comparison import observe_all
from evpn.dataplane.dataplane import Dataplane
from evpn.dataplane.plan import Plan
from evpn.dataplane.segment import Segment
from evpn.netlink import rows
from evpn.netlink.dump import dump_bridge_domain, dump_links
from evpn.netlink.errors import NetlinkError
from evpn.netlink.isolation import guarded
from evpn.netlink.nft import NftError
from evpn.netlink.socket import Writer
from evpn.values import Vni

_BATCH = 4096


class Flushed(NamedTuple):
    """Rows that were removed, that the kernel kept, and flood rows without our mark."""

    removed: int
    refused: int
    unmarked: int


def flush(settings: Settings) -> Flushed:
    """An append by somebody else takes the mark from all flood rows of a device: such rows are counted, and stay."""
    check_privilege()
    dataplane, writer = Dataplane(), Writer()
    try:
        _observe(settings, dataplane)
        writer.open()
        while batch := dataplane.batch(_BATCH, removals=True):
            dataplane.settle(batch, rows.refused(writer.apply(rows.encode(batch))), time.monotonic())
        firewall.remove(settings)
        forget_gone_bridges()
    except (NetlinkError, NftError, OSError) as error:
        raise HostError(f"{settings.path}: {error}") from None
    finally:
        writer.close()
    unmarked = sum(len(segment.foreign_flood) for segment in dataplane.segments.values())
    return Flushed(dataplane.removed, len(dataplane.refusals), unmarked)


def forget_gone_bridges() -> None:
    """Without `nft` there are no chains."""
    with contextlib.suppress(NftError):
        guarded()


def _observe(settings: Settings, dataplane: Dataplane) -> None:
    links = {link.ifindex: link for link in dump_links()}
    by_vni = vxlan_by_vni(links)
    wanted = {vni.vni: vni.device for vni in settings.vnis}
    if settings.discover:
        wanted = {Vni(vni): "" for vni in by_vni} | wanted
    for vni, name in wanted.items():
        found = attachment(choose(by_vni.get(vni, []), name, settings.vtep), links, settings.vtep, down=True)
        if isinstance(found, str):
            continue
        segment = dataplane.segments[vni] = Segment(vni)
        segment.plan = Plan(learning=found.device.learning, proxy=found.device.proxy)
        dataplane.attach(vni, *found)
        observe_all(segment, *dump_bridge_domain(found.bridge.ifindex, (segment.neighbor_device,)))
        dataplane.unobserved.pop(vni, None)
        dataplane.touch(vni)
