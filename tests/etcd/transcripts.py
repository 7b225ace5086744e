"""What etcdctl prints, with everything taken out that no two clusters can have in common."""

import re
from collections.abc import Sequence
from difflib import unified_diff

import msgspec

from tests.local.our_cluster import Cluster

HEX_ID = re.compile(r"\b[0-9a-f]{13,16}\b")
ENDPOINT = re.compile(r"(https?://)?127\.0\.0\.1:\d+")
DURATION = re.compile(r"\b\d+(\.\d+)?(µs|us|ms|s)\b")
LOG_LINE = re.compile(r'^\{"level".*\n', re.MULTILINE)
FIELD_ID = re.compile(r'("(?:ClusterID|MemberID|RaftTerm|ID|Lease)") : \d+')
FOUNDERS = re.compile(r"(?<=CLUSTER=\").*(?=\")")
PADDED = re.compile(r" +<id")
"""Short ids are filled up."""
REMAINING = re.compile(r"remaining\(\d+s\)")
ATTACHED = re.compile(r"(?<=attached keys\(\[).*(?=\]\))")
"""In etcd, in the order of a hash table."""
LISTS = (["member", "list"], ["lease", "list"])
NAMELESS = {"cluster_id", "member_id", "raft_term", "ID", "leader", "raftTerm"}
"""Fields of JSON answers that are ids or terms."""
MEASURES = {"dbSize", "dbSizeInUse", "raftIndex", "raftAppliedIndex", "version", "hash"}
"""Fields that say how a store keeps its things, not what it keeps."""


class Transcript:
    """What one cluster answered, with ids named in the order in which they first came up."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._names: dict[str, str] = {}
        self.lines: list[str] = []

    def run(self, arguments: Sequence[str], stdin: str = "") -> str:
        """Run etcdctl, note what it said, and return what it printed."""
        done = self._cluster.ctl(*arguments, check=False, stdin=stdin)
        errors = LOG_LINE.sub("", done.stderr)
        self.lines.append(f"$ etcdctl {' '.join(map(self._plain, arguments))} -> {done.returncode}")
        if list(arguments[:2]) in LISTS:
            # Members and leases come in the order of their ids, which say nothing.
            printed = self._plain(HEX_ID.sub("<id>", done.stdout + errors)).splitlines()
            self.lines += sorted(printed)
        else:
            self.lines += self._plain(done.stdout + errors).splitlines()
        return done.stdout

    def must_equal(self, expected: "Transcript") -> None:
        """Fail with the lines that differ, if any do."""
        found = "\n".join(unified_diff(expected.lines, self.lines, "etcd", "ours", lineterm=""))
        assert not found, found

    def _plain(self, text: str) -> str:
        try:
            parsed = msgspec.json.decode(text)
        except msgspec.DecodeError:
            parsed = None
        if isinstance(parsed, dict | list):
            return msgspec.json.encode(self._nameless(parsed), order="deterministic").decode()
        text = ENDPOINT.sub("<endpoint>", text)
        text = FOUNDERS.sub(lambda found: ",".join(sorted(found[0].split(","))), text)
        text = HEX_ID.sub(lambda found: self._name(found[0]), text)
        text = FIELD_ID.sub(r"\1 : <id>", text)
        text = PADDED.sub(" <id", text)
        text = REMAINING.sub("remaining(<s>)", text)
        text = DURATION.sub("<time>", text)
        text = ATTACHED.sub(lambda found: " ".join(sorted(found[0].split(" "))), text)
        return re.sub(r"[ -]*\|[ -]*|-{3,}", "|", text) if "|" in text else text

    def _nameless(self, value: object) -> object:
        if isinstance(value, dict):
            return {
                key: f"<{key}>" if key in NAMELESS | MEASURES else self._nameless(part)
                for key, part in value.items()
            }
        if isinstance(value, list):
            return [self._nameless(part) for part in value]
        return ENDPOINT.sub("<endpoint>", value) if isinstance(value, str) else value

    def _name(self, hex_id: str) -> str:
        return self._names.setdefault(hex_id, f"<id {len(self._names) + 1}>")
