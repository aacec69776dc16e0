"""What an FRR VTEP must be told about a VNI: only what differs from its own automatic values.

FRR derives `router-id:N` as RD, with numbers of its own, and the same route targets as `evpn.config.derive`.
"""

from typing import NamedTuple

from evpn.config.derive import export_target, import_target, natural_rd
from evpn.config.settings import Settings, VniSettings
from evpn.text import format_rd, format_route_target
from evpn.values import Vni


class VniBlock(NamedTuple):
    """A `vni` block of the FRR configuration, as text; empty lines of it are left to FRR."""

    vni: Vni
    rd: str
    imports: tuple[str, ...]
    exports: tuple[str, ...]


def uses_rfc8365(settings: Settings) -> bool:
    """Whether all VNIs have the automatic targets of RFC 8365: FRR knows one form for all."""
    return bool(settings.vnis) and all(_has_automatic_targets(settings, vni, True) for vni in settings.vnis)


def vni_blocks(settings: Settings) -> list[VniBlock]:
    rfc8365 = uses_rfc8365(settings)
    blocks = (_block(settings, vni, rfc8365) for vni in settings.vnis)
    return [block for block in blocks if block.rd or block.imports or block.exports]


def _block(settings: Settings, vni: VniSettings, rfc8365: bool) -> VniBlock:
    natural = natural_rd(settings.router_id, vni.vni) in (None, vni.rd)
    imports = () if _imports_automatically(vni, rfc8365) else sorted(vni.import_targets)
    exports = () if _exports_automatically(settings, vni, rfc8365) else vni.export_targets
    return VniBlock(
        vni.vni,
        "" if natural else format_rd(vni.rd),
        tuple(_import_text(settings, target) for target in imports),
        tuple(map(format_route_target, exports)),
    )


def _has_automatic_targets(settings: Settings, vni: VniSettings, rfc8365: bool) -> bool:
    return _imports_automatically(vni, rfc8365) and _exports_automatically(settings, vni, rfc8365)


def _imports_automatically(vni: VniSettings, rfc8365: bool) -> bool:
    return vni.import_targets == {import_target(vni.vni, rfc8365)}


def _exports_automatically(settings: Settings, vni: VniSettings, rfc8365: bool) -> bool:
    return vni.export_targets == (export_target(settings.local_as, vni.vni, rfc8365),)


def _import_text(settings: Settings, target: bytes) -> str:
    """`*:N` under our own AS: FRR up to 8.4 has no wildcard that can be written."""
    return format_route_target(
        b"\0\2" + (settings.local_as & 0xFFFF).to_bytes(2) + target if len(target) == 4 else target
    )
