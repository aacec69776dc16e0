"""What of ExaBGP is touched, as it was when this was written (5.0.15); `fit` looks at it before a start.

A needed part of which anything differs stops the start; without the others ExaBGP does as it always does, slower or
stricter, and a line in the log says which.
"""

from evpn.exabgp.extension.fit import Surface

COMMANDS, RIB, CONFIGURATION = "commands", "rib", "configuration"
RECEIVE, PIPES, RELOAD, BACKOFF, ENDING = "receive", "pipes", "reload", "backoff", "ending"
NODELAY, CLOCK, WAITING, BATCHES, PACKETS = "nodelay", "clock", "waiting", "batches", "packets"

NEEDED = (COMMANDS, RIB, CONFIGURATION)
OPTIONAL = (RECEIVE, PIPES, RELOAD, BACKOFF, ENDING, NODELAY, CLOCK, WAITING, BATCHES, PACKETS)

_MESSAGE = "exabgp.bgp.message"
_REFRESH = f"{_MESSAGE}.refresh"
_OPEN = f"{_MESSAGE}.open"
_NEGOTIATED = f"{_OPEN}.capability.negotiated"
_ATTRIBUTES = f"{_MESSAGE}.update.attribute"
_NLRI = f"{_MESSAGE}.update.nlri.evpn.nlri"
_NEIGHBOR = "exabgp.bgp.neighbor"
_CONFIGURATION = "exabgp.configuration"
_JSON = "exabgp.reactor.api.response.json"
_LIMIT = "exabgp.reactor.api.command.limit"
_LOOP = "exabgp.reactor.loop"
_PEER = "exabgp.reactor.peer"
_PROCESSES = "exabgp.reactor.api.processes"
_OUTGOING = "exabgp.rib.outgoing"

_LOG = "message, source=, ..."

SURFACES = (
    Surface(COMMANDS, "exabgp.version", "version"),
    Surface(COMMANDS, "exabgp.application.main", "main"),
    Surface(COMMANDS, "exabgp.environment.base", "ENVFILE"),
    Surface(COMMANDS, "exabgp.logger", "log.error", _LOG),
    Surface(
        COMMANDS, "exabgp.reactor.api.command.command", "Command.register", "name, neighbor=, options=, json_support="
    ),
    Surface(COMMANDS, "exabgp.reactor.api", "API.process", "self, reactor, service, command"),
    Surface(COMMANDS, _LIMIT, "extract_neighbors", "command"),
    Surface(COMMANDS, _LIMIT, "match_neighbors", "peers, descriptions"),
    Surface(COMMANDS, _LOOP, "Reactor.peers", "self, service="),
    Surface(COMMANDS, _LOOP, "Reactor.established_peers", "self"),
    Surface(COMMANDS, _LOOP, "Reactor()._peers"),
    Surface(COMMANDS, _LOOP, "Reactor().configuration"),
    Surface(COMMANDS, _LOOP, "Reactor().processes"),
    Surface(COMMANDS, _PROCESSES, "ProcessError"),
    Surface(COMMANDS, _PROCESSES, "Processes.write", "self, process, string, neighbor="),
    Surface(COMMANDS, _PROCESSES, "Processes.answer_done", "self, service, force="),
    Surface(COMMANDS, _PROCESSES, "Processes.answer_error", "self, service"),
    Surface(COMMANDS, _PEER, "Peer.established", "self"),
    Surface(COMMANDS, _PEER, "Peer().neighbor"),
    Surface(COMMANDS, _PEER, "Peer().proto"),
    Surface(COMMANDS, "exabgp.reactor.protocol", "Protocol().negotiated"),
    *(
        Surface(COMMANDS, _NEGOTIATED, f"Negotiated().{name}")
        for name in ("asn4", "families", "holdtime", "local_as", "msg_size", "neighbor", "peer_as", "received_open")
    ),
    Surface(COMMANDS, _OPEN, "Open().capabilities"),
    Surface(COMMANDS, _OPEN, "Open().router_id"),
    Surface(COMMANDS, f"{_OPEN}.capability", "Capabilities.get"),
    Surface(COMMANDS, f"{_OPEN}.capability", "Capability.CODE.GRACEFUL_RESTART"),
    Surface(COMMANDS, f"{_OPEN}.capability.graceful", "Graceful().restart_time"),
    *(
        Surface(COMMANDS, _NEIGHBOR, f"Neighbor.defaults.[{name}]")
        for name in ("adj-rib-in", "local-address", "local-as", "peer-address", "peer-as")
    ),
    Surface(COMMANDS, _NEIGHBOR, "Neighbor.families", "self"),
    Surface(COMMANDS, _NEIGHBOR, "Neighbor().eor"),
    Surface(COMMANDS, _NEIGHBOR, "Neighbor().rib"),
    Surface(RIB, "exabgp.protocol.family", "AFI.l2vpn"),
    Surface(RIB, "exabgp.protocol.family", "SAFI.evpn"),
    Surface(RIB, "exabgp.protocol.family", "Family", "afi, safi"),
    Surface(RIB, "exabgp.protocol.family", "Family.index", "self"),
    Surface(RIB, "exabgp.protocol.ip", "IP.pack", "self"),
    Surface(RIB, "exabgp.protocol.ip", "IP.unpack", "data, ..."),
    Surface(RIB, "exabgp.protocol.ip", "IPSelf", "afi"),
    Surface(RIB, "exabgp.rib", "RIB", "name, adj_rib_in, adj_rib_out, families"),
    Surface(RIB, "exabgp.rib", "RIB().outgoing"),
    Surface(RIB, "exabgp.rib", "RIB._cache"),
    Surface(RIB, "exabgp.rib", "RIB.uncache", "self"),
    Surface(RIB, "exabgp.rib", "OutgoingRIB", "cache, families"),
    Surface(RIB, _OUTGOING, "OutgoingRIB", "cache, families"),
    Surface(RIB, _OUTGOING, "OutgoingRIB().cache"),
    Surface(RIB, _OUTGOING, "OutgoingRIB().families"),
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
    Surface(RIB, "exabgp.rib.change", "Change", "nlri, attributes"),
    Surface(RIB, "exabgp.rib.change", "Change().attributes"),
    Surface(RIB, "exabgp.rib.change", "Change().nlri"),
    Surface(RIB, "exabgp.rib.change", "Change.extensive", "self"),
    Surface(RIB, _MESSAGE, "Action.ANNOUNCE"),
    Surface(RIB, _REFRESH, "RouteRefresh", "afi, safi, reserved="),
    Surface(RIB, f"{_OPEN}.capability.refresh", "REFRESH.ENHANCED"),
    Surface(RIB, _NEGOTIATED, "Negotiated().refresh"),
    Surface(RIB, _REFRESH, "RouteRefresh.messages", "self, negotiated, include_withdraw"),
    Surface(RIB, _REFRESH, "RouteRefresh.start"),
    Surface(RIB, _REFRESH, "RouteRefresh.end"),
    Surface(RIB, _NLRI, "EVPN", "action=, addpath="),
    Surface(RIB, _NLRI, "EVPN.CODE"),
    Surface(RIB, _NLRI, "EVPN()._packed"),
    Surface(RIB, _NLRI, "EVPN._raw", "self"),
    Surface(RIB, _NLRI, "EVPN.pack_nlri", "self, negotiated="),
    Surface(RIB, _NLRI, "EVPN.index", "self"),
    Surface(RIB, _NLRI, "EVPN.as_dict", "self"),
    Surface(RIB, _NLRI, "EVPN.__str__", "self"),
    Surface(RIB, _ATTRIBUTES, "Attributes"),
    Surface(RIB, _ATTRIBUTES, "Attributes.index", "self"),
    Surface(RIB, _ATTRIBUTES, "Attributes.pack", "self, negotiated, with_default="),
    Surface(RIB, _ATTRIBUTES, "Attributes.as_dict", "self"),
    Surface(RIB, _ATTRIBUTES, "Attributes.json", "self"),
    Surface(RIB, _ATTRIBUTES, "Attributes.__repr__", "self"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.announce", "ParseAnnounce.register", "name, action, afi="),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.check", "_check_route_generation", "neighbor, change, negotiated"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", "Configuration", "configurations, text="),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", "Configuration.reload", "self"),
    *(
        Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", f"Configuration().{name}")
        for name in ("_configurations", "_structure", "_text", "error")
    ),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", "Configuration().announce_l2vpn"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.configuration", "Configuration().neighbors"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.core.format", "tokens", "stream"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.core.tokeniser", "Iterator.__call__", "self"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.core.tokeniser", "Iterator().tokens"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.process", "API_PREFIX"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.process", "ParseProcess().processes"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.process", "ParseProcess.add_api", "self"),
    Surface(CONFIGURATION, f"{_CONFIGURATION}.process", "ParseProcess.known.[run]"),
    Surface(CONFIGURATION, _NEIGHBOR, "Neighbor.ip_self", "self, afi"),
    Surface(CONFIGURATION, _NEIGHBOR, "Neighbor.reset_rib", "self"),
    Surface(RECEIVE, _MESSAGE, "Update", "nlris, attributes"),
    Surface(RECEIVE, _MESSAGE, "Update.ID"),
    Surface(RECEIVE, _MESSAGE, "Update.TYPE"),
    Surface(RECEIVE, _MESSAGE, "Update.unpack_message", "data, direction, negotiated"),
    Surface(RECEIVE, _MESSAGE, "Notify", "code, subcode, data=, ..."),
    Surface(RECEIVE, _MESSAGE, "Message.unpack", "message, data, direction, negotiated"),
    Surface(RECEIVE, _MESSAGE, "Message.registered_message"),
    Surface(RECEIVE, _MESSAGE, "Message.CODE.UPDATE"),
    Surface(RECEIVE, _MESSAGE, "Message.CODE.ROUTE_REFRESH"),
    Surface(RECEIVE, f"{_MESSAGE}.direction", "Direction.IN"),
    *(Surface(RECEIVE, _REFRESH, f"RouteRefresh.{name}") for name in ("ID", "TYPE", "request")),
    *(Surface(RECEIVE, _REFRESH, f"RouteRefresh().{name}") for name in ("afi", "safi", "reserved")),
    Surface(RECEIVE, _REFRESH, "RouteRefresh.unpack_message", "data, direction=, negotiated="),
    Surface(RECEIVE, _NEIGHBOR, "Neighbor().api"),
    *(
        Surface(RECEIVE, f"{_CONFIGURATION}.neighbor.api", f"ParseAPI.DEFAULT_API.[receive-{name}]")
        for name in ("packets", "parsed", "consolidate")
    ),
    *(
        Surface(RECEIVE, module, "hexstring", "value")
        for module in ("exabgp.util", _JSON, "exabgp.reactor.api.response.text")
    ),
    Surface(PIPES, "exabgp.logger", "log.critical", _LOG),
    Surface(PIPES, "exabgp.logger", "log.warning", _LOG),
    Surface(PIPES, _PROCESSES, "os"),
    Surface(PIPES, _PROCESSES, "Processes()._process"),
    Surface(PIPES, _PROCESSES, "Processes._start", "self, process"),
    Surface(PIPES, _PROCESSES, "Processes._handle_problem", "self, process"),
    Surface(PIPES, _PROCESSES, "Processes.received", "self"),
    Surface(PIPES, _PROCESSES, "Processes.terminate", "self"),
    Surface(RELOAD, "exabgp.logger", "log.critical", _LOG),
    Surface(RELOAD, "exabgp.logger", "log.info", _LOG),
    Surface(RELOAD, "exabgp.reactor.interrupt", "Signal.sighup", "self, signum, frame"),
    Surface(RELOAD, _LOOP, "Reactor._pending_adjribout", "self"),
    Surface(RELOAD, _LOOP, "Reactor.active_peers", "self"),
    Surface(NODELAY, "exabgp.reactor.network.outgoing", "asynchronous", "io, ip"),
    Surface(NODELAY, "exabgp.reactor.network.tcp", "nagle", "io, ip"),
    Surface(CLOCK, "exabgp.bgp.timer", "time"),
    Surface(CLOCK, "exabgp.bgp.timer", "ReceiveTimer.check_ka_timer", "self, message=, ignore="),
    Surface(CLOCK, "exabgp.bgp.timer", "SendTimer.need_ka", "self"),
    Surface(CLOCK, "exabgp.reactor.delay", "time"),
    Surface(BACKOFF, _PEER, "Delay"),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay"),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay()._next"),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay.increase", "self"),
    Surface(BACKOFF, "exabgp.reactor.delay", "Delay.reset", "self"),
    Surface(ENDING, _LOOP, "Reactor._termination", "self, reason, exit_code"),
    Surface(ENDING, _LOOP, "Reactor.run", "self"),
    Surface(WAITING, _LOOP, "Reactor._wait_for_io", "self, sleeptime"),
    Surface(WAITING, _LOOP, "Reactor._prevent_spin", "self"),
    *(Surface(WAITING, _LOOP, f"Reactor().{name}") for name in ("_stopping", "asynchronous", "listener", "signal")),
    Surface(WAITING, _PEER, "KA", "session, proto"),
    *(Surface(WAITING, "exabgp.reactor.protocol", f"Protocol.{name}", "self") for name in ("connect", "fd")),
    Surface(WAITING, "exabgp.reactor.protocol", "Protocol().peer"),
    Surface(WAITING, "exabgp.reactor.keepalive", "KA", "session, proto"),
    Surface(WAITING, "exabgp.reactor.keepalive", "KA().send_timer"),
    Surface(WAITING, "exabgp.bgp.timer", "time.time"),
    *(Surface(WAITING, "exabgp.bgp.timer", f"SendTimer().{name}") for name in ("keepalive", "last_sent")),
    *(Surface(WAITING, "exabgp.bgp.timer", f"ReceiveTimer().{name}") for name in ("holdtime", "last_read")),
    Surface(WAITING, "exabgp.reactor.asynchronous", "ASYNC.ready", "self"),
    Surface(WAITING, "exabgp.reactor.delay", "time.time"),
    Surface(WAITING, "exabgp.reactor.delay", "Delay()._time"),
    Surface(WAITING, "exabgp.reactor.interrupt", "Signal().received"),
    *(Surface(WAITING, "exabgp.reactor.listener", f"Listener().{name}") for name in ("_accepted", "_sockets")),
    *(
        Surface(WAITING, _PEER, f"Peer().{name}")
        for name in ("_delay", "_neighbor", "_teardown", "generator", "recv_timer")
    ),
    Surface(WAITING, _PEER, "Peer.socket", "self"),
    Surface(WAITING, _PROCESSES, "Processes().fds"),
    *(Surface(WAITING, _NEIGHBOR, f"Neighbor().{name}") for name in ("messages", "refresh")),
    *(Surface(WAITING, _NEIGHBOR, f"Neighbor.defaults.[{name}]") for name in ("passive", "rate-limit")),
    Surface(BATCHES, _PEER, "ACTION.NOW"),
    Surface(BATCHES, _PEER, "ACTION.LATER"),
    Surface(BATCHES, _PEER, "Peer.run", "self"),
    *(Surface(BATCHES, _PEER, f"Peer().{name}") for name in ("reactor", "stats")),
    Surface(BATCHES, _NEIGHBOR, "Neighbor.defaults.[rate-limit]"),
    Surface(PACKETS, _JSON, "JSON.packets", "self, neighbor, direction, category, negotiated, header, body"),
)
