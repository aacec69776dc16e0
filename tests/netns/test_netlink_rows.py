"""Rows of the VXLAN device and of the bridge: what is packed, against what `bridge -d fdb` shows."""

from errno import EAFNOSUPPORT, EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP

import pytest

from evpn.dataplane.batches import RowChanges
from evpn.dataplane.comparison import observe_all
from evpn.dataplane.entries import Kind, mac_row
from evpn.dataplane.segment import Attachment, Segment
from evpn.netlink import neighbor, rows
from evpn.netlink.dump import dump_bridge_domain, read_link
from evpn.netlink.messages import HEADER, Refusal
from evpn.netlink.socket import Writer
from evpn.values import IpAddress, MacAddress, Vni

from .conftest import Vtep

pytestmark = pytest.mark.kernel

MAC, MAC2 = MacAddress(bytes.fromhex("505433000001")), MacAddress(bytes.fromhex("505433000002"))
VTEP, VTEP2 = IpAddress(bytes((10, 0, 0, 2))), IpAddress(bytes((10, 0, 0, 3)))
VTEP6 = IpAddress(bytes.fromhex("20010db8000000000000000000000002"))

BRIDGE_ROW = "50:54:33:00:00:01 extern_learn master br100"
TUNNEL_ROW = "50:54:33:00:00:01 dst 10.0.0.2 self extern_learn"


def test_a_remote_mac_is_a_row_of_the_bridge_and_one_of_the_device(vtep: Vtep, writer: Writer) -> None:
    assert writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)]) == []

    assert vtep.fdb() == [TUNNEL_ROW, BRIDGE_ROW]


def test_a_remote_mac_behind_an_ipv6_vtep(vtep: Vtep, writer: Writer) -> None:
    assert writer.apply([neighbor.remote_mac(0, vtep.device6, MAC, VTEP6)]) == []

    assert vtep.fdb("vx6") == ["50:54:33:00:00:01 dst 2001:db8::2 self extern_learn", BRIDGE_ROW]


def test_a_mac_that_moved_points_to_the_new_vtep(vtep: Vtep, writer: Writer) -> None:
    messages = [neighbor.remote_mac(0, vtep.device, MAC, vtep_address) for vtep_address in (VTEP, VTEP, VTEP2)]

    assert writer.apply(messages) == []
    assert vtep.fdb() == [TUNNEL_ROW.replace("10.0.0.2", "10.0.0.3"), BRIDGE_ROW]


def test_what_is_taught_bears_no_mark_and_is_new(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC2, VTEP)])
    messages = [neighbor.taught_mac(number, vtep.device, mac, VTEP2) for number, mac in enumerate((MAC, MAC2))]

    assert writer.apply(messages) == [Refusal(1, EEXIST)]
    assert [line for line in vtep.fdb() if "00:00:01" in line] == [
        "50:54:33:00:00:01 dst 10.0.0.3 self",
        "50:54:33:00:00:01 master br100",
    ]


def test_what_was_taught_takes_our_mark_by_a_deletion_first(vtep: Vtep, writer: Writer) -> None:
    """The kernel lets nobody who has learnt a row take over one that somebody has written."""
    writer.apply([neighbor.taught_mac(0, vtep.device, MAC, VTEP), neighbor.remote_mac(1, vtep.device, MAC, VTEP)])
    assert TUNNEL_ROW not in vtep.fdb()

    segment = Segment(Vni(100))
    segment.attachment = Attachment(*(link for name in ("vx100", "br100") if (link := read_link(name))))
    observe_all(segment, *dump_bridge_domain(vtep.bridge, [vtep.device]))
    segment.macs.want(MAC, mac_row(VTEP))
    assert writer.apply(rows.encode([RowChanges(segment, Kind.MAC, segment.macs.batch(10))])) == []
    assert vtep.fdb() == [TUNNEL_ROW, BRIDGE_ROW]


def test_the_router_flag_is_on_a_new_row(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP, router=True)])

    assert "router" in vtep.fdb()[0]


def test_a_sticky_mac_is_immovable_and_marked_on_the_bridge(vtep: Vtep, writer: Writer) -> None:
    assert writer.apply([neighbor.sticky_mac(0, vtep.device, MAC, VTEP)]) == []

    bridge = next(line for line in vtep.fdb() if "master" in line)
    assert {"extern_learn", "sticky", "static"} <= set(bridge.split())
    device = next(line for line in vtep.fdb() if "self" in line)
    assert "sticky" in device
    assert "extern_learn" not in device


def test_a_sticky_mac_goes_with_the_same_two_deletions(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.sticky_mac(0, vtep.device, MAC, VTEP)])

    assert writer.apply(deletion(vtep)) == []
    assert vtep.fdb() == []


def test_both_rows_go_with_a_message_each(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert writer.apply(deletion(vtep)) == []
    assert vtep.fdb() == []


def test_a_row_that_is_not_there_is_told_for_that_row_only(vtep: Vtep, writer: Writer) -> None:
    written = [neighbor.remote_mac(0, vtep.device, MAC, VTEP), neighbor.delete_bridge_row(1, vtep.device, MAC)]
    assert writer.apply(written) == []
    assert vtep.fdb() == [TUNNEL_ROW]

    assert writer.apply(deletion(vtep)) == [Refusal(1, ENOENT)]
    assert writer.apply(deletion(vtep)) == [Refusal(0, ENOENT), Refusal(1, ENOENT)]


def test_a_row_that_has_become_local_survives_our_deletion(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])
    vtep.namespace.run("bridge", "fdb", "replace", "50:54:33:00:00:01", "dev", "port1", "master", "dynamic")

    assert writer.apply(deletion(vtep)) == [Refusal(1, ENOENT)]
    assert vtep.fdb() == []
    assert any(line.startswith("50:54:33:00:00:01") for line in vtep.fdb("port1"))


def test_a_row_that_points_elsewhere_survives_our_deletion(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert writer.apply([neighbor.delete_tunnel_row(0, vtep.device, MAC, VTEP2)]) == []
    assert vtep.fdb() == [TUNNEL_ROW, BRIDGE_ROW]


def test_flood_rows_add_up_and_go_one_by_one(vtep: Vtep, writer: Writer) -> None:
    both = [neighbor.flood(number, vtep.device, vtep_address) for number, vtep_address in enumerate((VTEP, VTEP2))]
    rows = [f"00:00:00:00:00:00 dst {ip} self extern_learn permanent" for ip in ("10.0.0.2", "10.0.0.3")]

    assert writer.apply(both + both) == []
    assert flooded(vtep, "vx100") == ["10.0.0.2", "10.0.0.3"]
    assert [set(line.split()) for line in vtep.fdb()] == [set(row.split()) for row in rows]

    assert (
        writer.apply([neighbor.delete_flood(0, vtep.device, VTEP), neighbor.delete_flood(1, vtep.device, VTEP)]) == []
    )
    assert flooded(vtep, "vx100") == ["10.0.0.3"]


def test_flood_rows_of_an_ipv6_vtep(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.flood(0, vtep.device6, VTEP6)])
    assert flooded(vtep, "vx6") == ["2001:db8::2"]

    writer.apply([neighbor.delete_flood(0, vtep.device6, VTEP6)])
    assert flooded(vtep, "vx6") == []


def exclusive(packed: bytes) -> bytes:
    """With NLM_F_EXCL instead of NLM_F_REPLACE."""
    length, kind, flags, sequence, port_id = HEADER.unpack_from(packed)
    return HEADER.pack(length, kind, flags & ~0x100 | 0x200, sequence, port_id) + packed[HEADER.size :]


def test_the_third_of_five_is_refused_and_the_others_are_done(vtep: Vtep, writer: Writer) -> None:
    macs = [MacAddress(MAC[:5] + bytes((last,))) for last in range(1, 6)]
    messages = [neighbor.remote_mac(number, vtep.device, mac, VTEP) for number, mac in enumerate(macs)]
    messages[2] = neighbor.remote_mac(2, vtep.device, macs[2], VTEP6)

    assert writer.apply(messages) == [Refusal(2, EAFNOSUPPORT)]
    assert {line.split()[0] for line in vtep.fdb() if "self" in line} == {
        mac.hex(":") for mac in macs if mac is not macs[2]
    }


def test_the_reasons_of_refusals(vtep: Vtep, writer: Writer) -> None:
    writer.apply([neighbor.remote_mac(0, vtep.device, MAC, VTEP)])

    assert writer.apply(
        [
            exclusive(neighbor.remote_mac(10, vtep.device, MAC, VTEP)),
            neighbor.remote_mac(11, vtep.device, MacAddress(bytes(6)), VTEP),
            neighbor.remote_mac(12, 9999, MAC, VTEP),
            neighbor.delete_bridge_row(13, vtep.bridge, MAC),
            neighbor.remote_mac(14, vtep.device, MAC2, IpAddress(b"")),
        ]
    ) == [
        Refusal(10, EEXIST),
        Refusal(11, EINVAL),
        Refusal(12, ENODEV),
        Refusal(13, EOPNOTSUPP),
        Refusal(14, EINVAL),
    ]


def deletion(vtep: Vtep) -> list[bytes]:
    return [neighbor.delete_tunnel_row(0, vtep.device, MAC, VTEP), neighbor.delete_bridge_row(1, vtep.device, MAC)]


def flooded(vtep: Vtep, device: str) -> list[str]:
    rows = [line.split() for line in vtep.fdb(device)]
    return [row[row.index("dst") + 1] for row in rows if row[0] == "00:00:00:00:00:00"]
