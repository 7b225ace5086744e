"""`snapctl status` and `snapctl restore`, with the options of etcd's own tool (etcdutl)."""

import secrets
from pathlib import Path
from typing import Final, NoReturn

import click
import msgspec
from rich import box
from rich.console import Console
from rich.table import Table

from nodeimpl.server.cluster_ids import cluster_id, founders_ids, parse_initial_cluster
from nodeimpl.server.flag_text import FlagError
from nodeimpl.server.identity import Founder, Identity
from nodeimpl.server.urls import UrlError, parse_url
from nodeimpl.snapctl.restore import Restoration, RestoreError, restore
from nodeimpl.snapctl.status import snapshot_status
from nodeimpl.storage.cipher import Cipher, CipherError
from nodeimpl.storage.encryption.configuration import EncryptionConfigurationError
from nodeimpl.storage.encryption.kms_client import open_providers
from nodeimpl.storage.encryption.providers import PLAIN
from nodeimpl.storage.snapshot_file import SnapshotFileError

_ERRORS: Final = (
    SnapshotFileError,
    CipherError,
    EncryptionConfigurationError,
    RestoreError,
    FlagError,
    UrlError,
    OSError,
)
_UNITS: Final = ("B", "kB", "MB", "GB", "TB")

encryption_option = click.option(
    "--encryption-provider-config",
    "encryption",
    type=click.Path(path_type=Path),
    help="Keys of encryption at rest, as Kubernetes has it.",
)
skip_option = click.option(
    "--skip-hash-check", is_flag=True, help="Do not compare the file with its checksum."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def snapctl() -> None:
    """Look at backups that `etcdctl snapshot save` made, and restore clusters from them."""


@snapctl.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "-w",
    "--write-out",
    "form",
    type=click.Choice(["simple", "table", "json"]),
    default="simple",
    show_default=True,
)
@skip_option
@encryption_option
def status(file: Path, form: str, skip_hash_check: bool, encryption: Path | None) -> None:  # noqa: FBT001
    """Show hash, revision, keys and size of a backup."""
    try:
        found = snapshot_status(file, _cipher(encryption), skip_hash_check=skip_hash_check)
    except _ERRORS as error:
        _fail(error)
    if form == "json":
        click.echo(msgspec.json.encode(found).decode())
        return
    cells = (
        f"{found.hash:x}",
        str(found.revision),
        str(found.total_key),
        _size(found.total_size),
    )
    if form == "simple":
        click.echo(", ".join(cells))
        return
    table = Table("HASH", "REVISION", "TOTAL KEYS", "TOTAL SIZE", box=box.ASCII2)
    for column in table.columns:
        column.justify = "right"
    table.add_row(*cells)
    Console(width=100).print(table)


@snapctl.command(name="restore")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--name", default="default", show_default=True, help="Of this member.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Must not be there.  [default: NAME.etcd]"
)
@click.option(
    "--wal-dir", type=click.Path(path_type=Path), help="Of the log, if not in --data-dir."
)
@click.option(
    "--initial-cluster",
    default="default=http://localhost:2380",
    show_default=True,
    help="All members: NAME=PEER-URL,NAME=PEER-URL",
)
@click.option("--initial-cluster-token", default="etcd-cluster", show_default=True)
@click.option("--initial-advertise-peer-urls", default="http://localhost:2380", show_default=True)
@click.option(
    "--bump-revision",
    type=click.IntRange(min=1),
    help="How much larger to make the revision; with --mark-compacted.",
)
@click.option(
    "--mark-compacted", is_flag=True, help="Let nothing before the new revision be read any more."
)
@skip_option
@encryption_option
def restore_command(  # noqa: PLR0913, PLR0917 - click's way
    file: Path,
    name: str,
    data_dir: Path | None,
    wal_dir: Path | None,
    initial_cluster: str,
    initial_cluster_token: str,
    initial_advertise_peer_urls: str,
    bump_revision: int | None,
    mark_compacted: bool,  # noqa: FBT001
    skip_hash_check: bool,  # noqa: FBT001
    encryption: Path | None,
) -> None:
    """Make the data directory of one member of a new cluster from a backup."""
    if (bump_revision is not None) != mark_compacted:
        raise click.UsageError("--bump-revision and --mark-compacted are given together")
    data_dir = data_dir or Path(f"{name}.etcd")
    try:
        identity = _identity(
            name, initial_cluster, initial_cluster_token, initial_advertise_peer_urls
        )
        restoration = Restoration(
            snapshot=file,
            member_directory=data_dir / "member",
            wal_directory=wal_dir,
            identity=identity,
            skip_hash_check=skip_hash_check,
            bump_revision=bump_revision or 0,
            mark_compacted=mark_compacted,
        )
        revision = restore(restoration, _cipher(encryption))
    except _ERRORS as error:
        _fail(error)
    click.echo(
        f"restored {file} to {data_dir}: member {identity.member_id:x} of cluster "
        f"{identity.cluster_id:x}, revision {revision}"
    )


def _identity(name: str, initial_cluster: str, token: str, advertised: str) -> Identity:
    """Return who the member is in the new cluster; raise `FlagError` or `UrlError`."""
    founders = parse_initial_cluster(initial_cluster)
    if name not in founders:
        raise FlagError(f"couldn't find local name {name!r} in --initial-cluster")
    own = {str(url) for url in founders[name]}
    if own != {str(parse_url(text)) for text in advertised.split(",")}:
        raise FlagError(
            f"--initial-cluster has {name}={','.join(sorted(own))}, but "
            f"--initial-advertise-peer-urls is {advertised}"
        )
    ids = founders_ids(founders, token)
    return Identity(
        cluster_id=cluster_id(ids.values()),
        member_id=ids[name],
        founders=tuple(
            Founder(member_id=ids[each], name=each, peer_urls=tuple(str(url) for url in urls))
            for each, urls in sorted(founders.items())
        ),
        is_founder=True,
        incarnation=0,
    )


def _cipher(configuration: Path | None) -> Cipher:
    return PLAIN if configuration is None else open_providers(configuration, secrets.token_bytes)


def _size(size: float) -> str:
    """Return a size as etcd's tools print it: two digits, powers of 1000."""
    power = 0
    while size >= 1000 and power < len(_UNITS) - 1:
        size /= 1000
        power += 1
    return f"{size:.1f} {_UNITS[power]}" if size < 10 and power else f"{size:.0f} {_UNITS[power]}"


def _fail(error: Exception) -> NoReturn:
    raise click.ClickException(str(error)) from error
