"""VXLAN devices as their VNIs need them: made, changed in place, or made again where the kernel cannot change them.

A device that somebody else has made is changed in place at most: what else there is about it, nobody has told us.
"""

import errno
import logging
import time
from collections.abc import Callable
from functools import partial

from evpn.agent.carry import pack, unpack
from evpn.agent.strategies import plan_of
from evpn.config.ipsec import share
from evpn.config.settings import Settings, VniSettings
from evpn.dataplane.link import Link
from evpn.dataplane.plan import Plan, is_made_for
from evpn.netlink.errors import NetlinkError
from evpn.netlink.isolation import is_isolated
from evpn.netlink.links import Links
from evpn.netlink.underlay import underlay_mtu

log = logging.getLogger(__name__)

Undo = list[Callable[[], object]]
"""What takes the changes back, the latest last."""

OVERHEAD_IPV4, OVERHEAD_IPV6 = 50, 70
"""Octets that VXLAN adds: outer IP, UDP, VXLAN and the inner Ethernet header."""


class VxlanDevices:
    """One pass over them; `known` are the devices of the host, listed once."""

    def __init__(self, settings: Settings, links: Links, undo: Undo, known: dict[str, Link]) -> None:
        self.vtep = settings.vtep
        self.ipsec = settings.ipsec
        self.links = links
        self.undo = undo
        self.known = known
        self._mtu = 0

    def underlay(self, plan: Plan) -> int:
        """ifindex of the device on which a group is joined; 0 without a group."""
        if not plan.group:
            return 0
        if plan.underlay is None:
            return self.links.addresses().get(self.vtep, 0)
        known = self.known.get(plan.underlay)
        if known is None:
            raise NetlinkError(errno.ENODEV, f"multicast.device {plan.underlay}")
        return known.ifindex

    def mtu(self, vni: VniSettings) -> int:
        """What is left of the underlay's MTU, if not configured (RFC 7348 section 4.3: a VTEP does not fragment)."""
        if vni.mtu:
            return vni.mtu
        self._mtu = self._mtu or underlay_mtu(self.vtep)
        named = self.known.get(plan_of(vni).underlay or "")  # a group's device, which may be another one
        mtu = min(self._mtu, named.mtu) if named else self._mtu
        overhead = OVERHEAD_IPV4 if len(self.vtep) == 4 else OVERHEAD_IPV6
        return mtu - overhead - (share(self.ipsec, mtu) if self.ipsec else 0)

    def make(self, vni: VniSettings, bridge: Link) -> None:
        plan = plan_of(vni)
        device = self._create(vni.device, vni, plan, bridge, self.mtu(vni), self.underlay(plan), vni.port)
        told = device.name, vni.vni, bridge.name, device.mtu, plan.name
        log.info("made device=%s vni=%d bridge=%s mtu=%d strategy=%s", *told)

    def adapt(self, vni: VniSettings, device: Link, bridge: Link) -> None:
        """One that is there, and is to be as the configuration says."""
        plan, ours = plan_of(vni), is_isolated(device.name)
        if ours and not (is_made_for(device, plan) and device.port == vni.port):
            self._make_again(vni, plan, device, bridge)
        elif ours or device.name == vni.device:
            self._plug(device, bridge, ours)
            if is_made_for(device, plan):
                self._change(vni, plan, device)
            if ours or vni.mtu:
                self._keep_mtu(vni, device)
            if ours:
                self._rename(vni, device)

    def _create(
        self, name: str, vni: VniSettings, plan: Plan, bridge: Link, mtu: int, underlay: int, port: int
    ) -> Link:
        links = self.links
        device = links.create_vxlan(
            name,
            vni.vni,
            self.vtep,
            port=port,
            learning=plan.learning,
            proxy=plan.proxy,
            l2miss=plan.misses,
            l3miss=plan.misses,
            mtu=mtu,
            group=plan.group,
            device=underlay,
            ttl=plan.ttl,
        )
        self.undo.append(partial(links.delete, device.ifindex))
        links.enslave(device.ifindex, bridge.ifindex)
        links.set_port(device.ifindex, learning=plan.learning, neigh_suppress=plan.suppression)
        links.set_up(device.ifindex)
        return device

    def _make_again(self, vni: VniSettings, plan: Plan, device: Link, bridge: Link) -> None:
        mtu, underlay = self._wanted_mtu(vni, device), self.underlay(plan)
        packed = pack(vni, plan, device, bridge)
        self.links.load()
        began = time.monotonic()
        self.undo.append(partial(self._restore, vni, device, bridge))
        create = partial(self._create, vni.device, vni, plan, bridge, mtu, underlay, vni.port)
        unpack(packed, self.links.replace(device.ifindex, create), bridge)
        took = 1000 * (time.monotonic() - began)
        log.warning("made device=%s again for strategy=%s, which took %.0f ms", vni.device, plan.name, took)

    def _restore(self, vni: VniSettings, device: Link, bridge: Link) -> None:
        """The device that was taken away for another one, which is gone by now."""
        plan = Plan(learning=device.learning, proxy=device.proxy, misses=device.l2miss, group=device.group)
        plan = plan._replace(ttl=device.ttl, neighbors=bool(device.neighbor_suppression))
        self._create(device.name, vni, plan, bridge, device.mtu, device.parent, device.port)

    def _plug(self, device: Link, bridge: Link, ours: bool) -> None:
        """What an agent that ended in the midst of it has left to do; a device in no bridge is nobody's port."""
        if not device.master:
            self.links.enslave(device.ifindex, bridge.ifindex)
            self.undo.append(partial(self.links.enslave, device.ifindex, 0))
        if not device.up and (ours or not device.master):
            self.links.set_up(device.ifindex)
            self.undo.append(partial(self.links.set_up, device.ifindex, False))

    def _change(self, vni: VniSettings, plan: Plan, device: Link) -> None:
        links, ifindex = self.links, device.ifindex
        had = partial(links.set_vxlan, ifindex, group=device.group, underlay=device.parent, ttl=device.ttl)
        self.undo.append(partial(had, learning=device.learning))
        underlay = self.underlay(plan)
        if plan.group and not plan.flood and device.group != plan.group:
            links.drop_flood(ifindex)
        if links.set_vxlan(ifindex, learning=plan.learning, group=plan.group, underlay=underlay, ttl=plan.ttl):
            log.info("changed device=%s for strategy=%s", device.name, plan.name)
        self.undo.append(partial(links.set_port, ifindex, device.port_learning, device.neighbor_suppression))
        links.set_port(ifindex, learning=plan.learning, neigh_suppress=plan.suppression)

    def _keep_mtu(self, vni: VniSettings, device: Link) -> None:
        """After all else: with a group on another device, the kernel may have lowered it."""
        wanted = self._wanted_mtu(vni, device)
        self.undo.append(partial(self.links.set_mtu, device.ifindex, device.mtu))
        try:
            if self.links.set_mtu(device.ifindex, wanted):
                log.info("changed device=%s mtu=%d", device.name, wanted)
        except NetlinkError as error:  # more than the underlay of a group carries
            log.warning("device=%s cannot have mtu=%d error=%s", device.name, wanted, error)

    def _wanted_mtu(self, vni: VniSettings, device: Link) -> int:
        """The one that it has, while the underlay is not there: who is up may come before his addresses are."""
        try:
            return self.mtu(vni)
        except NetlinkError:
            return device.mtu

    def _rename(self, vni: VniSettings, device: Link) -> None:
        if device.name == vni.device or vni.device in self.known:
            return
        try:
            self.links.rename(device.ifindex, vni.device)
            self.undo.append(partial(self.links.rename, device.ifindex, device.name))
            log.info("renamed device=%s, it is %s now", device.name, vni.device)
        except NetlinkError as error:  # EBUSY before Linux 6.2
            log.warning("device=%s cannot be called %s error=%s", device.name, vni.device, error)
