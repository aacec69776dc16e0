"""`evpn run`: the whole VTEP in the foreground; checks everything, makes devices, writes exabgp.conf, becomes ExaBGP.

The agent makes missing devices as well, after each of its starts. The first time it is done here: a refusal is one line
and an exit code, rather than an agent that ExaBGP starts again and again, and the agent need not load what makes them.
"""

import errno
import logging
import os
import shlex
import stat
import sys
from pathlib import Path

import click

from evpn.cli.configuration import LOG_FORMAT, fail, load_or_exit

log = logging.getLogger(__name__)


@click.command("run")
@click.option("--config", required=True, type=click.Path(path_type=Path), help="The configuration file.")
def command(config: Path) -> None:
    """The whole VTEP in the foreground. SIGTERM stops it, SIGHUP reads FILE again."""
    from evpn.agent import devices
    from evpn.agent.host import HostError, check
    from evpn.config import accepted
    from evpn.config.environment import environment
    from evpn.config.errors import ConfigError
    from evpn.config.exposed import exposed
    from evpn.config.render import write
    from evpn.netlink.capabilities import hand_on
    from evpn.netlink.errors import NetlinkError
    from evpn.netlink.links import Links

    settings = load_or_exit(config)
    logging.basicConfig(level=logging.INFO, format=LOG_FORMAT, stream=sys.stderr)
    try:
        check(settings)
        hand_on()
        if warning := exposed(settings):
            log.warning("%s: %s", config, warning)
        _make_run_dir(settings.run_dir)
        (settings.run_dir / "exabgp.env").touch()  # ExaBGP gives advice about a file that is not there
        target = settings.run_dir / "exabgp.conf"
        write("exabgp", settings, target, evpn_command=own_command())
        accepted.keep(settings)
        devices.make(settings, Links())
    except ConfigError as error:
        fail(str(error), 2)
    except HostError as error:
        fail(str(error), 1)
    except NetlinkError as error:
        fail(f"{config}: {error}", 1)
    except OSError as error:
        fail(f"{config}: run-dir: {error.filename or settings.run_dir}: {(error.strerror or str(error)).lower()}", 1)
    reload = shlex.join([own_command(), "reload", "--config", str(config.absolute())])
    os.environ.update(environment(settings), EVPN_RELOAD=reload)
    os.environ[accepted.VARIABLE] = str(accepted.copy_of(settings))
    # becoming ExaBGP, rather than watching over it: one process less, and signals reach the one that was started
    os.execv(sys.executable, [sys.executable, own_command(), "exabgp", str(target)])


def _make_run_dir(path: Path) -> None:
    """Passwords lie there, and what ExaBGP is told to run: nobody else may put a file in its place."""
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.stat().st_mode & stat.S_IWOTH:
        raise PermissionError(errno.EPERM, "can be written by everybody; accepted: a directory of its own", str(path))


def own_command() -> str:
    """The script that we were started by: ExaBGP starts the agent by it, and itself again."""
    return os.path.abspath(sys.argv[0])
