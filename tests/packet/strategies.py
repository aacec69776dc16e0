"""Addresses that hosts can have, for hypothesis."""

from hypothesis import strategies as st

from evpn.packet.ethernet import is_station
from evpn.packet.sighting import is_host_address
from evpn.values import IpAddress, MacAddress


def octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


macs = octets(6).filter(is_station).map(MacAddress)
ips4 = octets(4).map(IpAddress).filter(is_host_address)
ips6 = octets(16).map(IpAddress).filter(is_host_address)
