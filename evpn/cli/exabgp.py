"""`evpn exabgp`: ExaBGP's own command with the EVPN extension in it; every argument is ExaBGP's."""

import sys
from itertools import pairwise

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """ExaBGP with `announce evpn`: `evpn exabgp FILE`, `evpn exabgp validate -nr FILE`, `evpn exabgp --help`."""
    # ExaBGP's imports already look for its root and its environment file beside argv[0]; its usage is named by it
    sys.argv = [f"{sys.argv[0]} exabgp", *arguments]
    _name_environment_file(arguments)
    from evpn.exabgp.extension.install import UnfitError, install

    try:
        warnings = install()
    except UnfitError as error:
        click.echo(f"evpn exabgp: {error}", err=True)
        sys.exit(1)
    for warning in warnings:
        click.echo(f"evpn exabgp: warning, {warning}", err=True)

    from exabgp.application.main import main

    sys.exit(main())


def _name_environment_file(arguments: tuple[str, ...]) -> None:
    """ExaBGP's main does this first thing, but trying out the extension before it already reads that file."""
    try:
        from exabgp.environment import base
    except ImportError:
        return  # another ExaBGP altogether, which `install` refuses

    for option, value in pairwise((*arguments, "")):
        if option == "--env-file" and value:
            base.ENVFILE = value
        elif option.startswith("--env-file="):
            base.ENVFILE = option.partition("=")[2]
