"""What daemons left in their data directories: their logs, and the puts that are in them.

Read when the daemons have ended; whatever is wrong with a log is a verdict, not an error.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from checkers.history import History
from checkers.persisted import Put, judge_persisted, resolved
from checkers.raft.checker import judge_facts
from checkers.raft.etcd_wal import (
    PersistedEntry,
    Segment,
    WalCorruption,
    WalLog,
    final_entries,
    read_wal,
    records_of,
)
from checkers.raft.protobuf import ProtobufError, texts
from checkers.raft.wal import facts_of_wals
from checkers.verdict import Evidence, Verdict, invalid, merge
from harness.padding import shown

NAME: Final = "logs"

_PUT, _HEADER = 4, 100
"""Of etcdserverpb.InternalRaftRequest."""
_KEY, _VALUE = 1, 2
"""etcdserverpb.PutRequest."""


class Persisted(msgspec.Struct, frozen=True, kw_only=True):
    """What the logs of one cluster say."""

    logs: Mapping[str, WalLog]
    puts: Mapping[Put, int] | None
    """How often each put is in the log; None if its beginning is nowhere to be found."""

    def verdict(self, history: History, *, disks_lie: bool = False) -> Verdict:
        """Judge the logs by Raft's properties, and the history by the logs.

        `disks_lie` as in `judge_facts`.
        """
        names = {log.member_id: node for node, log in self.logs.items()}
        records = {node: records_of(node, log, names) for node, log in self.logs.items()}
        torn = [log.torn for log in self.logs.values() if log.torn is not None]
        compared = None if self.puts is None else judge_persisted(history, self.puts)
        facts = judge_facts(facts_of_wals(records), disks_lie=disks_lie)
        merged = merge(NAME, [facts] if compared is None else [facts, compared])
        details: dict[str, object] = {"nodes": len(self.logs), "torn": torn}
        return msgspec.structs.replace(merged, details=details)

    def begun_anew(self) -> "Persisted":
        """Return it for logs that members began anew from a backup: these say nothing of puts."""
        return msgspec.structs.replace(self, puts=None)

    def resolve(self, history: History) -> History:
        """Return the history in which unanswered puts that are in no log have failed."""
        return history if self.puts is None else resolved(history, self.puts)


def read_logs(system: str, data_directories: Mapping[str, Path]) -> Persisted | Verdict | None:
    """Return what the logs say; a verdict if one is corrupt; None if there is none to read.

    Only etcd's logs can be read.
    """
    if system != "etcd":
        return None
    try:
        logs = _load(data_directories)
    except (WalCorruption, ProtobufError) as corruption:
        evidence = Evidence(operations=(), story=str(corruption))
        return invalid(NAME, f"a log is corrupt: {corruption}", evidence)
    return Persisted(logs=logs, puts=_puts(list(logs.values()))) if logs else None


def _load(data_directories: Mapping[str, Path]) -> dict[str, WalLog]:
    logs: dict[str, WalLog] = {}
    for node, directory in data_directories.items():
        paths = sorted((directory / "member" / "wal").glob("*.wal"))
        if paths:
            segments = [Segment(f"{node}/{path.name}", path.read_bytes()) for path in paths]
            logs[node] = read_wal(segments)
    return logs


def _puts(logs: Sequence[WalLog]) -> Mapping[Put, int] | None:
    """Count the puts in the entries that stand in any log.

    An entry that one node alone has may yet be committed, so it counts; a follower that was sent a
    snapshot lacks entries that others have.
    """
    entries: dict[tuple[int, int], PersistedEntry] = {}
    for log in logs:
        for entry in final_entries(log).values():
            entries[entry.index, entry.term] = entry
    indices = {index for index, _ in entries}
    if len(indices) < max(indices, default=1):
        return None
    return Counter(put for entry in entries.values() for put in _put_in(entry))


def _put_in(entry: PersistedEntry) -> Iterator[Put]:
    """Yield the put that an entry asks for, if it asks for one.

    Requests of etcd's v2 API, by which members publish their addresses, have no header.
    """
    request = texts(entry.data) if entry.kind == "command" else {}
    if _HEADER in request and _PUT in request:
        put = texts(request[_PUT])
        yield _text(put.get(_KEY, b"")), shown(put.get(_VALUE, b""))


def _text(stored: bytes) -> str:
    return stored.decode(errors="backslashreplace")
