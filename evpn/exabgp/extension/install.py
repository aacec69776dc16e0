"""Put the extension into ExaBGP: check, replace, try it out; before ExaBGP's own main, or not at all."""

from importlib import import_module

from evpn.exabgp.extension.fit import mismatches
from evpn.exabgp.extension.surfaces import NEEDED, OPTIONAL, SURFACES


class UnfitError(Exception):
    """This ExaBGP is not one that the extension can work in."""


def install() -> list[str]:
    """What is left as ExaBGP has it, in words; an `UnfitError` names the version found and what differs in it."""
    found = mismatches(SURFACES)
    needed = [fault for part in NEEDED for fault in found.get(part, [])]
    if needed:
        raise UnfitError(_told(needed))
    for part in NEEDED:
        _install(part)
    warnings = []
    for part in OPTIONAL:
        if part in found:
            warnings.append(f"{part} as in ExaBGP: {_told(found[part])}")
        else:
            _install(part)
    # only now: these import what the checks above have found to be there
    faults: list[str] = import_module(f"{__package__}.selftest").run()
    if faults:
        raise UnfitError(_told(faults))
    return warnings


def version() -> str:
    return str(import_module("exabgp.version").version)


def _install(part: str) -> None:
    import_module(f"{__package__}.{part}").install()


def _told(faults: list[str]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"ExaBGP {version()} is not as the extension needs it, 5.0.15 is: {faults[0]}{more}"
