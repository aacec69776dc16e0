from hypothesis import given
from hypothesis import strategies as st

from evpn.packet.arp import REPLY, REQUEST, ArpPacket
from evpn.values import IpAddress, MacAddress

from .hosts import IP, MAC, OTHER_IP, arp
from .strategies import octets

any_mac, any_ip = octets(6).map(MacAddress), octets(4).map(IpAddress)
packets = st.builds(ArpPacket, st.integers(0, 0xFFFF), any_mac, any_ip, any_mac, any_ip)


@given(packets)
def test_what_is_encoded_is_decoded_to_the_same(packet: ArpPacket) -> None:
    assert ArpPacket.decode(packet.encode()) == packet


def test_what_hosts_say_has_our_layout() -> None:
    for operation in (REQUEST, REPLY):
        packet = ArpPacket(operation, MAC, IP, MacAddress(bytes(6)), OTHER_IP)
        assert packet.encode() == arp(operation)[14:42]
