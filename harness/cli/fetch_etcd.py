"""`quorate fetch-etcd`: other versions of etcd, to test beside the installed one."""

import click

from harness.systems.debian import SUITES, fetch


@click.command("fetch-etcd")
@click.option(
    "--suite",
    "suites",
    type=click.Choice(SUITES),
    multiple=True,
    default=SUITES,
    show_default=True,
    help="The Debian suite to take it from; may be given more than once.",
)
def fetch_etcd(suites: tuple[str, ...]) -> None:
    """Fetch etcd as a Debian package, without installing it, for `run --etcd-version`.

    Needs a Debian system with apt: packages come from wherever its own packages come from. They
    are unpacked under the user's cache directory (or QUORATE_CACHE).
    """
    for suite in suites:
        binary = fetch(suite)
        click.echo(f"{suite}: etcd {binary.version} {binary.path}")
