"""What of ExaBGP is touched, and the check at start that it is as it was when this was written (5.0.15).

Internals move between ExaBGP's patch releases. A needed one that differs stops the start; without the others ExaBGP
does as it always does, slower or stricter, and a line in the log says which.
"""

import inspect
from importlib import import_module
from typing import Any, NamedTuple


class Surface(NamedTuple):
    part: str
    module: str
    name: str  # dotted, inside the module
    parameters: str  # names, with `=` where there is a default; empty for what is not called


COMMANDS, RIB, CONFIGURATION = "commands", "rib", "configuration"
RECEIVE, PIPES, RELOAD, BACKOFF, ENDING = "receive", "pipes", "reload", "backoff", "ending"

NEEDED = (COMMANDS, RIB, CONFIGURATION)
OPTIONAL = (RECEIVE, PIPES, RELOAD, BACKOFF, ENDING)

_COMMAND = "exabgp.reactor.api.command"
_PROCESSES = "exabgp.reactor.api.processes"
_CONFIGURATION = "exabgp.configuration"
_NEIGHBOR = "exabgp.bgp.neighbor"
_OUTGOING = "exabgp.rib.outgoing"

SURFACES = (
    Surface(COMMANDS, f"{_COMMAND}.command", "Command.register", "name, neighbor=, options=, json_support="),
    Surface(COMMANDS, "exabgp.reactor.api", "API.process", "self, reactor, service, command"),
    Surface(COMMANDS, f"{_COMMAND}.limit", "extract_neighbors", "command"),
    Surface(COMMANDS, f"{_COMMAND}.limit", "match_neighbors", "peers, descriptions"),
    Surface(COMMANDS, "exabgp.reactor.loop", "Reactor.peers", "self, service="),
    Surface(COMMANDS, "exabgp.reactor.loop", "Reactor.established_peers", "self"),
    Surface(COMMANDS, _PROCESSES, "Processes.answer_done", "self, service, force="),
    Surface(COMMANDS, _PROCESSES, "Processes.answer_error", "self, service"),
    Surface(COMMANDS, "exabgp.reactor.peer", "Peer.established", "self"),
    Surface(RIB, "exabgp.rib", "OutgoingRIB", "cache, families"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.pending", "self"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.updates", "self, grouped"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.reset", "self"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.clear", "self"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.resend", "self, enhanced_refresh, family="),
    Surface(RIB, _OUTGOING, "OutgoingRIB.withdraw", "self, families="),
    Surface(RIB, _OUTGOING, "OutgoingRIB.replace_restart", "self, previous, new"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.replace_reload", "self, previous, new"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.add_to_rib", "self, change, force="),
    Surface(RIB, _OUTGOING, "OutgoingRIB.del_from_rib", "self, change"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.delete_cached_family", "self, families"),
    Surface(RIB, _OUTGOING, "OutgoingRIB.cached_changes", "self, families=, actions="),
    Surface(RIB, "exabgp.bgp.message.refresh", "RouteRefresh", "afi, safi, reserved="),
    Surface(RIB, "exabgp.bgp.message.update.nlri.evpn.nlri", "EVPN", "action=, addpath="),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.announce", "ParseAnnounce.register", "name, action, afi="),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", "Configuration", "configurations, text="),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.check", "_check_route_generation", "neighbor, change, negotiated"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.process", "ParseProcess.add_api", "self"),
    Surface(CONFIGURATION, _NEIGHBOR, "Neighbor.ip_self", "self, afi"),
    Surface(CONFIGURATION, _NEIGHBOR, "Neighbor.reset_rib", "self"),
    Surface(RECEIVE, "exabgp.bgp.message", "Update.unpack_message", "data, direction, negotiated"),
    Surface(RECEIVE, "exabgp.bgp.message.refresh", "RouteRefresh.unpack_message", "data, direction=, negotiated="),
    Surface(RECEIVE, "exabgp.bgp.message", "Message.unpack", "message, data, direction, negotiated"),
    Surface(RECEIVE, "exabgp.bgp.message", "Message.registered_message", ""),
    Surface(RECEIVE, "exabgp.util", "hexstring", "value"),
    Surface(RECEIVE, "exabgp.reactor.api.response.json", "hexstring", "value"),
    Surface(RECEIVE, "exabgp.reactor.api.response.text", "hexstring", "value"),
    Surface(PIPES, _PROCESSES, "Processes.write", "self, process, string, neighbor="),
    Surface(PIPES, _PROCESSES, "Processes._start", "self, process"),
    Surface(PIPES, _PROCESSES, "Processes._handle_problem", "self, process"),
    Surface(PIPES, _PROCESSES, "Processes.received", "self"),
    Surface(PIPES, _PROCESSES, "Processes.terminate", "self"),
    Surface(RELOAD, "exabgp.reactor.interrupt", "Signal.sighup", "self, signum, frame"),
    Surface(RELOAD, "exabgp.reactor.loop", "Reactor._pending_adjribout", "self"),
    Surface(RELOAD, "exabgp.reactor.loop", "Reactor.active_peers", "self"),
    Surface(BACKOFF, "exabgp.reactor.peer", "Delay", ""),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay.increase", "self"),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay.reset", "self"),
    Surface(ENDING, "exabgp.reactor.loop", "Reactor._termination", "self, reason, exit_code"),
    Surface(ENDING, "exabgp.reactor.loop", "Reactor.run", "self"),
)


def mismatches(surfaces: tuple[Surface, ...] = SURFACES) -> dict[str, list[str]]:
    """By part, what is not as expected, each in words."""
    found: dict[str, list[str]] = {}
    for surface in surfaces:
        fault = _fault(surface)
        if fault:
            found.setdefault(surface.part, []).append(fault)
    return found


def _fault(surface: Surface) -> str:
    where = f"{surface.module}.{surface.name}"
    try:
        thing: Any = import_module(surface.module)
        for name in surface.name.split("."):
            thing = getattr(thing, name)
    except (ImportError, AttributeError):
        return f"{where} is not there"
    if not surface.parameters:
        return ""
    try:
        parameters = _parameters(thing)
    except (TypeError, ValueError):
        return f"{where} cannot be called"
    return "" if parameters == surface.parameters else f"{where} takes ({parameters}), not ({surface.parameters})"


def _parameters(thing: Any) -> str:
    """Names, and `=` for those with a default: its value and annotations may change without harm."""
    parameters = inspect.signature(thing).parameters.values()
    return ", ".join(p.name if p.default is p.empty else f"{p.name}=" for p in parameters)
