from hypothesis import given
from hypothesis import strategies as st

from evpn.packet.nd import ADVERTISEMENT, ROUTER, SOLICITATION, SOLICITED, NdMessage, is_multicast, link_local
from evpn.text import format_ip, parse_mac
from evpn.values import IpAddress, MacAddress

from .hosts import MAC, advertisement, solicitation
from .strategies import ips6, macs, octets

targets = octets(16).map(IpAddress).filter(lambda ip: not is_multicast(ip))
solicitations = st.builds(
    NdMessage, st.just(SOLICITATION), ips6, octets(16).map(IpAddress), st.just(0), targets, macs | st.none()
)
advertisements = st.builds(
    NdMessage, st.just(ADVERTISEMENT), ips6, ips6, st.sampled_from((0, ROUTER, SOLICITED)), targets, macs | st.none()
)


@given(solicitations | advertisements)
def test_what_is_encoded_is_decoded_to_the_same(message: NdMessage) -> None:
    assert NdMessage.decode(message.encode()) == message


def test_what_hosts_say_has_our_layout() -> None:
    for frame in (solicitation(), advertisement()):
        message = NdMessage.decode(frame[14:])
        assert message is not None
        assert message.mac == MAC
        without_checksum = message.encode()[:42] + bytes(2) + message.encode()[44:]
        assert without_checksum == frame[14:]


def test_an_address_of_another_kind_of_link_spoils_the_message() -> None:
    long = bytes(14)

    assert NdMessage.decode(solicitation(options=b"\1\2" + long)[14:]) is None
    assert NdMessage.decode(advertisement(options=b"\2\2" + long)[14:]) is None


def test_the_link_local_address_is_made_of_the_mac_with_one_bit_turned() -> None:
    assert format_ip(link_local(parse_mac("02:00:00:00:00:10"))) == "fe80::ff:fe00:10"
    assert format_ip(link_local(MacAddress(b"\x50\x54\x33\0\0\x09"))) == "fe80::5254:33ff:fe00:9"
