"""What `snapctl` prints, refuses and makes."""

import base64
import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nodeimpl.api.errors import COMPACTED
from nodeimpl.api.rpc_pb2 import PutRequest, RangeRequest, RangeResponse
from nodeimpl.config import StoreConfig
from nodeimpl.ids import LogIndex, Revision, Term
from nodeimpl.mvcc.facts import MEMBERS
from nodeimpl.mvcc.store import Store
from nodeimpl.raft.configuration import decode_configuration_entry
from nodeimpl.server.identity import read_identity
from nodeimpl.server.member_storage import MemberStorage
from nodeimpl.snapctl.commands import snapctl
from nodeimpl.storage.cipher import Cipher
from nodeimpl.storage.encryption.kms_client import open_providers
from nodeimpl.storage.encryption.providers import PLAIN, Providers
from nodeimpl.storage.memory_backend import MemoryBackend
from nodeimpl.storage.snapshot_file import Origin, snapshot_pieces, write_snapshot

CLUSTER = "a=http://127.0.0.1:1,b=http://127.0.0.1:2,c=http://127.0.0.1:3"
KEY = base64.b64encode(bytes(range(32))).decode()
CONFIGURATION = f"""
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources: ["*.*"]
    providers:
      - aescbc: {{keys: [{{name: key1, secret: {KEY}}}]}}
"""


def save(path: Path, cipher: Cipher = PLAIN) -> None:
    """Save a store at revision 11, ten keys, and the members it had."""
    backend = MemoryBackend()
    store = Store(backend, StoreConfig())
    for number in range(10):
        store.apply(PutRequest(key=b"k%d" % number, value=b"secret"))
    backend.put(MEMBERS + bytes(8), b"a member of the old cluster")
    with path.open("wb") as file:
        write_snapshot(file, snapshot_pieces(backend.scan(b"", None), Origin(5, 6), cipher))


@pytest.fixture
def backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    save(tmp_path / "backup.db")
    return tmp_path / "backup.db"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(snapctl, [str(argument) for argument in arguments])


def restore(backup: Path, *more: object, name: str = "a", port: int = 1) -> Result:
    return run(
        "restore",
        backup,
        f"--name={name}",
        f"--data-dir={name}",
        f"--initial-cluster={CLUSTER}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{port}",
        *more,
    )


def opened(data_dir: Path, cipher: Providers = PLAIN) -> MemberStorage:
    identity = read_identity(data_dir / "member")
    assert identity is not None
    return MemberStorage(data_dir / "member", None, identity, cipher)


def test_status_in_every_form(backup: Path) -> None:
    simple = run("status", backup).output
    table = run("status", backup, "-w", "table").output
    found = json.loads(run("status", backup, "--write-out=json").output)
    assert found["revision"] == 11
    assert found["totalKey"] == 11
    assert found["totalSize"] == backup.stat().st_size
    assert simple == f"{found['hash']:x}, 11, 11, 544 B\n"
    assert "TOTAL KEYS" in table
    assert f"| {found['hash']:x} |" in table


def test_equal_stores_have_equal_hashes_however_they_are_encrypted(
    backup: Path, tmp_path: Path
) -> None:
    (tmp_path / "keys.yaml").write_text(CONFIGURATION)
    save(tmp_path / "encrypted.db", open_providers(tmp_path / "keys.yaml", os.urandom))
    encrypted = run(
        "status",
        tmp_path / "encrypted.db",
        "--encryption-provider-config=keys.yaml",
        "--write-out=json",
    )
    plain = run("status", backup, "--write-out=json")
    assert json.loads(encrypted.output)["hash"] == json.loads(plain.output)["hash"]


def test_a_damaged_backup_is_refused_unless_told_not_to_look(backup: Path) -> None:
    content = bytearray(backup.read_bytes())
    content[content.index(b"secret")] ^= 1
    backup.write_bytes(content)
    refused = run("status", backup)
    assert refused.exit_code == 1
    assert "does not match its checksum" in refused.output
    assert run("status", backup, "--skip-hash-check").exit_code == 0
    assert restore(backup).exit_code == 1
    assert not (backup.parent / "a").exists()
    assert restore(backup, "--skip-hash-check").exit_code == 0


def test_members_restored_by_themselves_agree(backup: Path, tmp_path: Path) -> None:
    results = [restore(backup, name=name, port=number) for number, name in enumerate("abc", 1)]
    assert [result.exit_code for result in results] == [0, 0, 0]
    storages = [opened(tmp_path / name) for name in "abc"]
    rows = [list(storage.backend.scan(b"", None)) for storage in storages]
    assert rows[0] == rows[1] == rows[2]
    assert [row for row, _ in rows[0] if row.startswith(MEMBERS)] == []
    applied = {storage.backend.applied for storage in storages}
    assert len(applied) == 1
    identities = [read_identity(tmp_path / name / "member") for name in "abc"]
    members = sorted(identity.member_id for identity in identities if identity is not None)
    entry = decode_configuration_entry(applied.pop().configuration)
    assert list(entry.configuration.voters) == members
    for storage in storages:
        recovered = storage.recovered
        assert (recovered.prefix_index, recovered.prefix_term) == (LogIndex(1), Term(1))
        assert recovered.hard_state.current_term == Term(1)
        storage.close()


def test_another_token_makes_another_cluster(backup: Path, tmp_path: Path) -> None:
    restore(backup)
    restore(backup, "--data-dir=other", "--initial-cluster-token=another")
    first, second = (read_identity(tmp_path / name / "member") for name in ("a", "other"))
    assert first is not None
    assert second is not None
    assert first.cluster_id != second.cluster_id


def read(store: Store, revision: int = 0) -> object:
    return store.read(RangeRequest(key=b"k", range_end=b"l", revision=revision))


def test_the_revision_is_bumped_and_what_is_before_it_compacted(
    backup: Path, tmp_path: Path
) -> None:
    result = restore(backup, "--bump-revision=1000", "--mark-compacted")
    assert result.output.endswith("revision 1011\n")
    storage = opened(tmp_path / "a")
    store = Store(storage.backend, StoreConfig())
    assert (store.revision, store.compact_revision) == (1011, Revision(1011))
    now = read(store)
    assert isinstance(now, RangeResponse)
    assert [kv.mod_revision for kv in now.kvs] == list(range(2, 12))
    assert read(store, revision=1010) == COMPACTED
    store.apply(PutRequest(key=b"k0", value=b"new"))
    assert store.revision == 1012
    storage.close()


@pytest.mark.parametrize("option", ["--bump-revision=5", "--mark-compacted"])
def test_bumping_and_marking_go_together(backup: Path, option: str) -> None:
    result = restore(backup, option)
    assert result.exit_code == 2
    assert "are given together" in result.output


def test_a_directory_that_is_there_is_not_touched(backup: Path) -> None:
    restore(backup)
    again = restore(backup)
    assert again.exit_code == 1
    assert "not empty" in again.output


def test_a_name_that_is_no_member_is_refused(backup: Path) -> None:
    result = restore(backup, name="d")
    assert result.exit_code == 1
    assert "couldn't find local name 'd'" in result.output
    assert "--initial-advertise-peer-urls is" in restore(backup, port=9).output


def test_nothing_is_in_the_clear_in_an_encrypted_restore(backup: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.yaml").write_text(CONFIGURATION)
    providers = open_providers(tmp_path / "keys.yaml", os.urandom)
    save(backup, providers)
    assert restore(backup, "--encryption-provider-config=keys.yaml").exit_code == 0
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert [path.name for path in files if b"secret" in path.read_bytes()] == []
    assert len(files) >= 3
    storage = opened(tmp_path / "a", providers)
    assert isinstance(read(Store(storage.backend, StoreConfig())), RangeResponse)
    storage.close()
    assert "aescbc:v1:key1" in restore(backup, "--data-dir=plain").output
