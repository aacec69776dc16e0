"""`evpn`: a table of commands, each imported when it is called, so that `evpn plugin` carries no ballast."""

from importlib import import_module

import click

COMMANDS = {
    "run": "the whole VTEP in the foreground",
    "exabgp": "ExaBGP with the EVPN extension, for a configuration of your own",
    "plugin": "the agent, as ExaBGP's process runs it",
    "check": "validate a configuration file",
    "render": "render one of the templates",
    "show": "state of the running agent",
    "diff": "the kernel against what it should hold, row by row",
    "refresh": "ask the peers and the kernel anew for all they have",
    "host": "hosts known beforehand",
    "clear": "forget duplicates",
    "reload": "take over a changed configuration, as SIGHUP does",
    "flush": "remove every kernel row that is ours",
    "lab": "run a lab in network namespaces",
}


class LazyGroup(click.Group):
    """Each command NAME is the object `command` in `evpn.cli.NAME`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        command: click.Command = import_module(f"evpn.cli.{name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: asking each command for its help would import them all."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="exabgp-evpn", prog_name="evpn")
def main() -> None:
    """A Linux host as an EVPN-VXLAN VTEP, with ExaBGP."""
