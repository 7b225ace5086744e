"""`quorate certs`: a test CA, and certificates for members and clients."""

from datetime import UTC, datetime
from pathlib import Path

import click

from harness.certificates import LOCAL, write_certificates


@click.command()
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--host", "hosts", multiple=True, help="A name or address of the members; repeatable."
)
@click.option(
    "--client", default="root", show_default=True, help="The user whom the client's stands for."
)
@click.option("--days", type=click.IntRange(min=1), default=365, show_default=True)
def certs(directory: Path, hosts: tuple[str, ...], client: str, days: int) -> None:
    """Write to DIRECTORY a test CA, and certificates it signed for a server, a peer and a client.

    They hold for localhost, 127.0.0.1, ::1 and every --host. Keys lie beside them: for tests only.
    """
    now = datetime.now(UTC)
    names = tuple(dict.fromkeys((*LOCAL, *hosts)))
    write_certificates(directory, hosts=names, client=client, now=now, days=days)
    click.echo(
        f"member:   --trusted-ca-file {directory}/ca.crt --cert-file {directory}/server.crt "
        f"--key-file {directory}/server.key --client-cert-auth\n"
        f"          --peer-trusted-ca-file {directory}/ca.crt --peer-cert-file "
        f"{directory}/peer.crt --peer-key-file {directory}/peer.key --peer-client-cert-auth\n"
        f"etcdctl:  --cacert {directory}/ca.crt --cert {directory}/client.crt --key "
        f"{directory}/client.key"
    )
