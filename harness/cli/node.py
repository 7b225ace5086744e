"""`quorate node`: one member of a real cluster of our node."""

import sys

import click

from nodeimpl.server.main import main


@click.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
@click.argument("flags", nargs=-1, type=click.UNPROCESSED)
def node(flags: tuple[str, ...]) -> None:
    """Run one member of a real cluster, with etcd's flags (quorate node --help)."""
    sys.exit(main(flags))
