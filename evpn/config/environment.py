"""The environment variables ExaBGP is started with: they belong to the process, so no template can hold them."""

import os
import pwd

from evpn.config.settings import Settings
from evpn.text import format_ip


def environment(settings: Settings) -> dict[str, str]:
    """Dots in the names, because ExaBGP prefers them to underscores: these values win over inherited ones."""
    return {
        "EXABGP_ROOT": str(settings.run_dir),  # or else the parent of the directory of argv[0]
        "EXABGP_ENVFILE": str(settings.run_dir / "exabgp.env"),  # one of the system must not apply here
        "exabgp.api.ack": "false",  # an answer to each command fills both pipes and stops both processes
        "exabgp.api.cli": "false",  # named pipes for exabgpcli, which nobody has made
        "exabgp.api.respawn": "true",  # a new agent takes over, sessions stay
        "exabgp.api.terminate": "true",  # ExaBGP without an agent would announce what is no longer true
        "exabgp.bgp.passive": "false",
        "exabgp.daemon.daemonize": "false",  # `evpn run` stays in the foreground
        "exabgp.daemon.drop": "true",  # to the user below; `false` would start the next agent as nobody
        "exabgp.daemon.user": _user(),  # ourselves: the agent needs CAP_NET_ADMIN, after a restart too
        "exabgp.daemon.umask": "0077",  # the default 0137 makes directories that cannot be entered
        "exabgp.log.destination": "stderr",
        "exabgp.log.level": "WARNING",  # lines of lower levels cost time in each turn of its loop
        "exabgp.tcp.attempts": "0",  # try for ever
        "exabgp.tcp.bind": format_ip(settings.local_address),  # listen: the peer may be the first to connect
        "exabgp.tcp.port": "179",
    }


def _user() -> str:
    """ExaBGP wants a name; a user without one keeps its privileges anyhow, since it has none to drop."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return "nobody"
