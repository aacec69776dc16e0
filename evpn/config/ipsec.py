"""`ipsec`: which VTEPs are spoken to by ESP, how both sides prove who they are, and what it costs of each packet."""

from ipaddress import ip_network

from msgspec import UNSET

from evpn.config.errors import Where
from evpn.config.schema import PSK, IpsecText
from evpn.config.secret import secret
from evpn.config.settings import Ipsec, Settings
from evpn.values import IpAddress

_ESP_HEADER, _IV, _TRAILER, _ICV = 8, 8, 2, 16
_ALIGNMENT = 4
NAT_TRAVERSAL = 8
"""A UDP header before that of ESP (RFC 3948)."""


def convert_ipsec(text: IpsecText, where: Where, vtep: IpAddress, secrets: dict[str, str]) -> Ipsec:
    """`secrets` has the content of the file that `psk-file` names."""
    certificate = None if text.certificate is UNSET else text.certificate
    psk = secret(where.at("psk"), text.psk, text.psk_file, secrets, PSK)
    if (psk is None) == (certificate is None):
        raise where.wrong("found both a psk and a certificate, or none; accepted: psk, psk-file or certificate")
    if certificate is None and text.ca is not UNSET:
        raise where.at("ca").wrong("found without a certificate; accepted: beside certificate")
    if certificate is not None and text.ca is UNSET:
        raise where.at("ca").wrong("missing; accepted: who has to have signed the certificates of the others")
    return Ipsec(
        vteps=_prefixes(text, where, vtep),
        psk=psk,
        certificate=certificate,
        ca=None if text.ca is UNSET else text.ca,
        esp_proposal=text.esp_proposal,
        nat_traversal=text.nat_traversal,
    )


def share(ipsec: Ipsec, mtu: int) -> int:
    """Octets that ESP in transport mode takes of each packet (RFC 4303 section 2, RFC 4106, RFC 7634).

    Header, IV and ICV are as long in each of the proposals. What is protected, and the two octets of the trailer, are
    filled up to a multiple of four: what the MTU has beyond one is lost, for the IP header is a multiple as well.
    """
    return _ESP_HEADER + _IV + _TRAILER + _ICV + mtu % _ALIGNMENT + (NAT_TRAVERSAL if ipsec.nat_traversal else 0)


def vxlan_ports(settings: Settings) -> list[int]:
    """UDP ports of all VNIs, those that are discovered included."""
    return sorted({vni.port for vni in settings.vnis} | ({settings.defaults.port} if settings.discover else set()))


def udp_selector(prefix: str, port: int | None = None) -> str:
    """Of traffic, as swanctl writes it."""
    return f"{prefix}[udp]" if port is None else f"{prefix}[udp/{port}]"


def _prefixes(text: IpsecText, where: Where, vtep: IpAddress) -> tuple[str, ...]:
    at = where.at("vteps")
    if not text.vteps:
        raise at.wrong("found an empty list; accepted: one or more prefixes, such as 10.0.0.0/24")
    for index, prefix in enumerate(text.vteps):
        try:
            network = ip_network(prefix)
        except ValueError as error:
            raise at.at(index).wrong(f"{error}; accepted: a prefix such as 10.0.0.0/24") from None
        if network.max_prefixlen != 8 * len(vtep):
            raise at.at(index).wrong(f"found {prefix}; accepted: a prefix of the family of vtep-address")
    return tuple(str(ip_network(prefix)) for prefix in text.vteps)
