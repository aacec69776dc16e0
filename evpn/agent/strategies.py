"""The strategies of the configuration as plans for the dataplane: all five ways to feed a VXLAN device."""

from evpn.config.settings import Strategy, VniSettings
from evpn.dataplane.plan import Plan


def plan_of(vni: VniSettings) -> Plan:
    name = vni.strategy.value
    match vni.strategy:
        case Strategy.MULTICAST:
            group, underlay, ttl = vni.multicast.group, vni.multicast.device, vni.multicast.ttl
            learnt = Plan(name, learning=True, flood=False, macs=False, neighbors=False)
            return learnt._replace(group=group, underlay=underlay, ttl=ttl)
        case Strategy.STATIC_FLOOD:
            return Plan(name, learning=True, macs=False, neighbors=False)
        case Strategy.STATIC_L3:
            return Plan(name, proxy=True, flood=vni.flood)
        case Strategy.DYNAMIC_L3:
            return Plan(name, proxy=True, misses=True, flood=False)
    return Plan(name, neighbors=vni.neighbor_suppression)
