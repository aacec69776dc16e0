"""`evpn exabgp`: ExaBGP's own command with the EVPN extension in it; every argument is ExaBGP's."""

import sys

import click


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    add_help_option=False,
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(arguments: tuple[str, ...]) -> None:
    """ExaBGP with `announce evpn`: `evpn exabgp FILE`, `evpn exabgp validate -nr FILE`, `evpn exabgp --help`."""
    # ExaBGP finds its root and its environment file by argv[0], and its imports already look there
    sys.argv = [sys.argv[0], *arguments]
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
