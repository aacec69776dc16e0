"""Routes of all five types: in the words of the extension's grammar, and in those of GoBGP's JSON.

What GoBGP 3.10 cannot decode, as measured, is not among them:
- An extended community of EVPN other than MAC mobility, ESI label, ES-Import and router's MAC (ARP/ND 0x0608, layer-2
  attributes 0x0604, DF election 0x0606 and the rest) makes it treat all routes of that UPDATE as withdrawn.
- An UPDATE with a route of a type above 5 is thrown away whole, with the routes of other types in it, and GoBGP then
  shows the family as not received; later UPDATEs are taken again.
"""

from typing import Any, NamedTuple

ANNOUNCER = "10.0.0.3"
"""The address of the session, which is `next-hop self`."""


class Case(NamedTuple):
    """A route in words, and GoBGP's words for it."""

    words: str
    kind: int
    nlri: dict[str, Any]
    next_hop: str = ANNOUNCER
    extended: tuple[dict[str, Any], ...] = ()
    others: dict[int, Any] | None = None


def rd(kind: int, admin: str | int, assigned: int) -> dict[str, Any]:
    return {"type": kind, "admin": admin, "assigned": assigned}


def extended(kind: int, subtype: int, **values: Any) -> dict[str, Any]:
    return {"type": kind, "subtype": subtype, **values}


ESI = "00:11:22:33:44:55:66:77:88:99"
ESI_SHOWN = "ESI_ARBITRARY | 11:22:33:44:55:66:77:88:99"
NO_ESI = "single-homed"
RD, RD_SHOWN = "10.0.0.3:100", rd(1, "10.0.0.3", 100)
TARGET, TARGET_SHOWN = "target:65000:100", extended(0, 2, value="65000:100")
VXLAN_SHOWN = extended(3, 12, tunnel_type=8)
ROUTER_MAC, ROUTER_MAC_SHOWN = "router-mac:02:00:00:00:00:01", extended(6, 3, mac="02:00:00:00:00:01")
MAC = "50:54:33:00:00:09"


def mac_ip(**changed: Any) -> dict[str, Any]:
    return {"rd": RD_SHOWN, "esi": NO_ESI, "etag": 0, "mac": MAC, "ip": "<nil>", "labels": [100], **changed}


def prefix(**changed: Any) -> dict[str, Any]:
    return {"rd": RD_SHOWN, "esi": NO_ESI, "etag": 0, "gateway": "0.0.0.0", "label": 5000, **changed}


CASES = {
    "ethernet-ad of a segment": Case(
        f"ethernet-ad rd {RD} esi {ESI} etag 4294967295 vni 0 next-hop self"
        f" extended-community [ {TARGET} encap:vxlan esi-label:100:single-active ]",
        1,
        {"rd": RD_SHOWN, "esi": ESI_SHOWN, "etag": 4294967295, "label": 0},
        extended=(TARGET_SHOWN, VXLAN_SHOWN, extended(6, 1, label=100, is_single_active=True)),
    ),
    "ethernet-ad of an instance, MPLS label": Case(
        f"ethernet-ad rd {RD} esi {ESI} etag 7 label 100 next-hop self extended-community [ esi-label:16777215 ]",
        1,
        {"rd": RD_SHOWN, "esi": ESI_SHOWN, "etag": 7, "label": 100 << 4 | 1},
        extended=(extended(6, 1, label=16777215, is_single_active=False),),
    ),
    "mac-ip with two labels and all of the communities": Case(
        f"mac-ip rd {RD} mac {MAC} ip 192.0.2.9 vni [ 100 5000 ] next-hop self extended-community"
        f" [ {TARGET} target:4200000000:77 target:10.0.0.3:5 encap:vxlan mac-mobility:5:sticky {ROUTER_MAC}"
        " default-gateway 0x0b00000000000001 ]",
        2,
        mac_ip(ip="192.0.2.9", labels=[100, 5000]),
        extended=(
            TARGET_SHOWN,
            extended(2, 2, value="64086.59904:77"),  # 4200000000
            extended(1, 2, value="10.0.0.3:5"),
            VXLAN_SHOWN,
            extended(6, 0, sequence=5, is_sticky=True),
            ROUTER_MAC_SHOWN,
            extended(3, 13),
            extended(11, 0, value="AAAAAAAAAQ=="),
        ),
    ),
    "mac-ip on a segment, no host, IPv6 next hop": Case(
        f"mac-ip rd 65000:100 esi {ESI} etag 9 mac {MAC} vni 16777215 next-hop 2001:db8::33"
        " extended-community [ mac-mobility:4294967295 ]",
        2,
        mac_ip(rd=rd(0, 65000, 100), esi=ESI_SHOWN, etag=9, labels=[16777215]),
        "2001:db8::33",
        (extended(6, 0, sequence=4294967295, is_sticky=False),),
    ),
    "mac-ip of an IPv6 host": Case(
        f"mac-ip rd 4200000000:100 mac {MAC} ip 2001:db8::9 vni 100 next-hop self",
        2,
        mac_ip(rd=rd(2, 4200000000, 100), ip="2001:db8::9"),
    ),
    "multicast with every other attribute": Case(
        f"multicast rd {RD} ip 10.0.0.3 next-hop 10.0.0.3 pmsi ingress 100 10.0.0.3 extended-community {TARGET}"
        " origin egp as-path [ 1 4200000002 ( 5 6 ) ] med 7 local-preference 200 community [ 65000:1 no-export ]"
        " originator-id 192.0.2.1 cluster-list [ 192.0.2.2 192.0.2.3 ]"
        " large-community [ 65000:1:2 4200000000:3:4 ] attribute [ 0x63 0xc0 0x0102 ]",
        3,
        {"rd": RD_SHOWN, "etag": 0, "ip": "10.0.0.3"},
        extended=(TARGET_SHOWN,),
        others={
            1: {"value": 1},
            2: {
                "as_paths": [
                    {"segment_type": 2, "num": 2, "asns": [1, 4200000002]},
                    {"segment_type": 1, "num": 2, "asns": [5, 6]},
                ]
            },
            4: {"metric": 7},
            5: {"value": 200},
            8: {"communities": [65000 << 16 | 1, 0xFFFFFF01]},
            9: {"value": "192.0.2.1"},
            10: {"value": ["192.0.2.2", "192.0.2.3"]},
            22: {"is-leaf-info-required": False, "tunnel-type": 6, "label": 100, "tunnel-id": "10.0.0.3"},
            32: {
                "value": [
                    {"ASN": 65000, "LocalData1": 1, "LocalData2": 2},
                    {"ASN": 4200000000, "LocalData1": 3, "LocalData2": 4},
                ]
            },
            0x63: {"flags": 0xC0, "value": "AQI="},
        },
    ),
    "multicast of an IPv6 VTEP": Case(
        f"multicast rd {RD} etag 5 ip 2001:db8::33 next-hop 2001:db8::33 pmsi ingress 16777215 2001:db8::33",
        3,
        {"rd": RD_SHOWN, "etag": 5, "ip": "2001:db8::33"},
        "2001:db8::33",
        others={22: {"is-leaf-info-required": False, "tunnel-type": 6, "label": 16777215, "tunnel-id": "2001:db8::33"}},
    ),
    "ethernet-segment": Case(
        f"ethernet-segment rd {RD} esi {ESI} ip 10.0.0.3 next-hop self"
        " extended-community [ encap:vxlan es-import:11:22:33:44:55:66 ]",
        4,
        {"rd": RD_SHOWN, "esi": ESI_SHOWN, "ip": "10.0.0.3"},
        extended=(VXLAN_SHOWN, extended(6, 2, value="11:22:33:44:55:66")),
    ),
    "ethernet-segment of an IPv6 VTEP": Case(
        f"ethernet-segment rd {RD} esi {ESI} ip 2001:db8::33 next-hop 2001:db8::33",
        4,
        {"rd": RD_SHOWN, "esi": ESI_SHOWN, "ip": "2001:db8::33"},
        "2001:db8::33",
    ),
    "prefix": Case(
        f"prefix rd {RD} prefix 203.0.113.0/24 vni 5000 next-hop self extended-community [ {TARGET} {ROUTER_MAC} ]",
        5,
        prefix(prefix="203.0.113.0/24"),
        extended=(TARGET_SHOWN, ROUTER_MAC_SHOWN),
    ),
    "prefix of everything": Case(
        f"prefix rd {RD} prefix 0.0.0.0/0 vni 5000 next-hop self extended-community {ROUTER_MAC}",
        5,
        prefix(prefix="0.0.0.0/0"),
        extended=(ROUTER_MAC_SHOWN,),
    ),
    "prefix behind a gateway": Case(
        f"prefix rd {RD} etag 4 prefix 203.0.113.0/24 gateway 192.0.2.1 vni 5000 next-hop self",
        5,
        prefix(etag=4, prefix="203.0.113.0/24", gateway="192.0.2.1"),
    ),
    "prefix on a segment": Case(
        f"prefix rd {RD} esi {ESI} prefix 203.0.113.128/25 vni 5000 next-hop self",
        5,
        prefix(esi=ESI_SHOWN, prefix="203.0.113.128/25"),
    ),
    "IPv6 prefix": Case(
        f"prefix rd {RD} prefix 2001:db8:5::/64 vni 5000 next-hop self extended-community {ROUTER_MAC}",
        5,
        prefix(prefix="2001:db8:5::/64", gateway="::"),
        extended=(ROUTER_MAC_SHOWN,),
    ),
    "IPv6 prefix behind a gateway": Case(
        f"prefix rd {RD} prefix 2001:db8:6::1/128 gateway 2001:db8::9 vni 16777215 next-hop self",
        5,
        prefix(prefix="2001:db8:6::1/128", gateway="2001:db8::9", label=16777215),
    ),
}
