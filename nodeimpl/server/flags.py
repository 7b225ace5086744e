"""The flags of a node: etcd's names, where the meaning is the same."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from nodeimpl.ids import MILLISECOND
from nodeimpl.server.flag_text import (
    Flag,
    FlagError,
    Texts,
    parse_duration_ns,
    read_texts,
)
from nodeimpl.server.urls import Url

QUOTA_BYTES_DEFAULT: Final = 2 << 30


def _switch(name: str, default: str, text: str) -> Flag:
    return Flag(name, default, text, is_switch=True)


FLAGS: Final = (
    Flag("name", "default", "Human-readable name of this member."),
    Flag("data-dir", "", "Where it keeps its data; <name>.etcd if not given."),
    Flag("wal-dir", "", "Where it keeps its log, if not within the data directory."),
    Flag("snapshot-count", "10000", "Entries to keep in the log before it is trimmed."),
    Flag("heartbeat-interval", "100", "Milliseconds between heartbeats."),
    Flag("election-timeout", "1000", "Milliseconds without a leader before an election."),
    Flag("listen-peer-urls", "http://localhost:2380", "Where to listen for other members."),
    Flag("listen-client-urls", "http://localhost:2379", "Where to listen for clients."),
    Flag(
        "listen-client-http-urls",
        "",
        "Where to serve HTTP; clients' URLs are gRPC's alone then, and faster.",
    ),
    Flag("listen-metrics-urls", "", "Where to serve /metrics and /health, too."),
    Flag(
        "initial-advertise-peer-urls",
        "http://localhost:2380",
        "Where other members reach this one.",
    ),
    Flag("advertise-client-urls", "http://localhost:2379", "Where clients reach this member."),
    Flag("initial-cluster", "", "The founders, as name=URL,name=URL; this one if not given."),
    Flag("initial-cluster-state", "new", "new, or existing to join a cluster."),
    Flag("initial-cluster-token", "etcd-cluster", "Tells clusters of equal addresses apart."),
    Flag("quota-backend-bytes", "0", "Size at which writes are refused; 0 means 2 GiB."),
    Flag("auto-compaction-mode", "periodic", "periodic or revision."),
    Flag("auto-compaction-retention", "0", "How much history to keep; 0 means all."),
    Flag("max-txn-ops", "128", "Operations in one transaction."),
    Flag("max-request-bytes", "1572864", "Bytes of one request."),
    Flag("max-concurrent-streams", "4294967295", "Streams that one client may have open."),
    _switch("strict-reconfig-check", "true", "Refuse changes that might lose the quorum."),
    Flag("experimental-max-learners", "1", "Members that may be learners at a time."),
    _switch("pre-vote", "true", "Ask before an election whether it could be won."),
    Flag("cert-file", "", "This member's certificate for clients (PEM)."),
    Flag("key-file", "", "The key of that certificate."),
    _switch("client-cert-auth", "false", "Take only clients with a certificate."),
    Flag("trusted-ca-file", "", "Who may have signed clients' certificates."),
    Flag("peer-cert-file", "", "This member's certificate for other members (PEM)."),
    Flag("peer-key-file", "", "The key of that certificate."),
    _switch("peer-client-cert-auth", "false", "Take only members with a certificate."),
    Flag("peer-trusted-ca-file", "", "Who may have signed members' certificates."),
    Flag("auth-token", "simple", "Tokens of clients: simple, or jwt,sign-method=RS256,..."),
    Flag("bcrypt-cost", "10", "Cost of hashing passwords."),
    Flag("auth-token-ttl", "300", "Seconds after which an unused token ends."),
    Flag("log-level", "info", "debug, info, warn or error."),
    Flag("log-format", "json", "json or console."),
    _switch("unsafe-no-fsync", "false", "Sync nothing: a crash of the machine loses data."),
    Flag("encryption-provider-config", "", "Keys of encryption at rest, as Kubernetes has it."),
    _switch("experimental-initial-corrupt-check", "false", "Compare with others at the start."),
    Flag("experimental-corrupt-check-time", "0s", "How often to compare with others; 0: never."),
    Flag(
        "experimental-compaction-batch-limit",
        "1000",
        "Rows that one step of a compaction looks at.",
    ),
    Flag("experimental-compaction-sleep-interval", "10ms", "Between two such steps."),
    Flag("experimental-watch-progress-notify-interval", "10m", "How often idle watches hear."),
    Flag("experimental-snapshot-catchup-entries", "5000", "Entries kept behind a snapshot."),
    _switch("experimental-enable-lease-checkpoint", "true", "Note how much of leases is left."),
)


class TlsFlags(msgspec.Struct, frozen=True, kw_only=True):
    """TLS on one side: for clients, or for other members."""

    cert_file: str | None
    key_file: str | None
    client_cert_auth: bool
    trusted_ca_file: str | None

    def __post_init__(self) -> None:
        """Check that the files fit together; raise `FlagError` otherwise."""
        if (self.cert_file is None) != (self.key_file is None):
            raise FlagError("a certificate needs its key: give both --*cert-file and --*key-file")
        if self.client_cert_auth and self.trusted_ca_file is None:
            raise FlagError("client certificates need --*trusted-ca-file to be checked")


class AutoCompaction(msgspec.Struct, frozen=True, kw_only=True):
    """How much history to keep."""

    mode: str
    """periodic or revision."""
    retention_ns: int
    """For periodic; 0: all."""
    retention_revisions: int
    """For revision; 0: all."""


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """A node's command line, understood."""

    name: str
    data_dir: str
    wal_dir: str | None
    snapshot_count: int
    catch_up_entries: int
    heartbeat_interval_ns: int
    election_timeout_ns: int
    listen_peer_urls: tuple[Url, ...]
    listen_client_urls: tuple[Url, ...]
    listen_client_http_urls: tuple[Url, ...]
    listen_metrics_urls: tuple[Url, ...]
    initial_advertise_peer_urls: tuple[Url, ...]
    advertise_client_urls: tuple[Url, ...]
    initial_cluster: str
    is_joining: bool
    initial_cluster_token: str
    quota_backend_bytes: int
    auto_compaction: AutoCompaction
    txn_ops_max: int
    request_bytes_max: int
    streams_max: int
    strict_reconfig_check: bool
    learners_max: int
    pre_vote: bool
    client_tls: TlsFlags
    peer_tls: TlsFlags
    auth_token: str
    bcrypt_cost: int
    auth_token_ttl_ns: int
    log_level: str
    log_format: str
    fsync: bool
    encryption_config_file: str | None
    initial_corrupt_check: bool
    corrupt_check_ns: int
    compaction_batch_rows: int
    compaction_interval_ns: int
    watch_progress_ns: int
    lease_checkpoint: bool


def parse_flags(arguments: Sequence[str], environment: Mapping[str, str]) -> Flags:
    """Return what a command line and its environment mean; raise `FlagError` if nothing."""
    texts = read_texts(FLAGS, arguments, environment)
    name = texts.text("name")
    advertised = texts.urls("initial-advertise-peer-urls")
    _require_advertised(texts)
    return Flags(
        name=name,
        data_dir=texts.text("data-dir") or f"{name}.etcd",
        wal_dir=texts.optional("wal-dir"),
        snapshot_count=texts.number("snapshot-count", at_least=1),
        catch_up_entries=texts.number("experimental-snapshot-catchup-entries", at_least=0),
        heartbeat_interval_ns=texts.number("heartbeat-interval", at_least=1) * MILLISECOND,
        election_timeout_ns=_election_timeout_ns(texts),
        listen_peer_urls=texts.urls("listen-peer-urls"),
        listen_client_urls=texts.urls("listen-client-urls"),
        listen_client_http_urls=texts.urls("listen-client-http-urls"),
        listen_metrics_urls=texts.urls("listen-metrics-urls"),
        initial_advertise_peer_urls=advertised,
        advertise_client_urls=texts.urls("advertise-client-urls"),
        initial_cluster=texts.text("initial-cluster") or _alone(name, advertised),
        is_joining=texts.choice("initial-cluster-state", "new", "existing") == "existing",
        initial_cluster_token=texts.text("initial-cluster-token"),
        quota_backend_bytes=_quota_bytes(texts),
        auto_compaction=_auto_compaction(texts),
        txn_ops_max=texts.number("max-txn-ops", at_least=1),
        request_bytes_max=texts.number("max-request-bytes", at_least=1),
        streams_max=texts.number("max-concurrent-streams", at_least=1),
        strict_reconfig_check=texts.switch("strict-reconfig-check"),
        learners_max=texts.number("experimental-max-learners", at_least=1),
        pre_vote=texts.switch("pre-vote"),
        client_tls=_tls(texts, ""),
        peer_tls=_tls(texts, "peer-"),
        auth_token=texts.text("auth-token"),
        bcrypt_cost=texts.number("bcrypt-cost", at_least=4),
        auth_token_ttl_ns=texts.number("auth-token-ttl", at_least=1) * 1000 * MILLISECOND,
        log_level=texts.choice("log-level", "debug", "info", "warn", "error"),
        log_format=texts.choice("log-format", "json", "console"),
        fsync=not texts.switch("unsafe-no-fsync"),
        encryption_config_file=texts.optional("encryption-provider-config"),
        initial_corrupt_check=texts.switch("experimental-initial-corrupt-check"),
        corrupt_check_ns=texts.duration_ns("experimental-corrupt-check-time"),
        compaction_batch_rows=texts.number("experimental-compaction-batch-limit", at_least=1),
        compaction_interval_ns=texts.duration_ns("experimental-compaction-sleep-interval"),
        watch_progress_ns=texts.duration_ns("experimental-watch-progress-notify-interval"),
        lease_checkpoint=texts.switch("experimental-enable-lease-checkpoint"),
    )


def help_text() -> str:
    """Return what --help prints."""
    lines = ["usage: python -m nodeimpl [flags]", "", "Every flag is also an environment variable:"]
    lines += [f"--{FLAGS[0].name} is {FLAGS[0].variable}. Names and meanings are etcd's.", ""]
    for flag in FLAGS:
        default = f" (default {flag.default})" if flag.default else ""
        lines.append(f"  --{flag.name:<44}{flag.help}{default}")
    return "\n".join(lines) + "\n"


def _alone(name: str, advertised: tuple[Url, ...]) -> str:
    return ",".join(f"{name}={url}" for url in advertised)


def _require_advertised(texts: Texts) -> None:
    """Refuse to listen elsewhere without saying where: it would mislead clients (as etcd)."""
    if texts.is_given("listen-client-urls") and not texts.is_given("advertise-client-urls"):
        raise FlagError(
            "expected --advertise-client-urls when --listen-client-urls is set explicitly"
        )


def _election_timeout_ns(texts: Texts) -> int:
    timeout = texts.number("election-timeout", at_least=1)
    heartbeat = texts.number("heartbeat-interval", at_least=1)
    if timeout < 5 * heartbeat:
        raise FlagError(
            f"--election-timeout[{timeout}ms] should be at least as 5 times as "
            f"--heartbeat-interval[{heartbeat}ms]"
        )
    return timeout * MILLISECOND


def _quota_bytes(texts: Texts) -> int:
    """Return the quota; a very large number for a negative one, which means none (as etcd)."""
    quota = texts.number("quota-backend-bytes", at_least=-(2**62))
    return quota if quota > 0 else QUOTA_BYTES_DEFAULT if quota == 0 else 2**62


def _auto_compaction(texts: Texts) -> AutoCompaction:
    """Return how much history to keep; a bare number counts hours if periodic (as etcd)."""
    mode = texts.choice("auto-compaction-mode", "periodic", "revision")
    text = texts.text("auto-compaction-retention") or "0"
    if mode == "revision":
        revisions = texts.number("auto-compaction-retention", at_least=0)
        return AutoCompaction(mode=mode, retention_ns=0, retention_revisions=revisions)
    retention_ns = parse_duration_ns(f"{text}h" if text.isdigit() else text)
    if retention_ns is None:
        raise FlagError(
            f"invalid value {text!r} for flag --auto-compaction-retention: "
            "expected hours, or a duration such as 30m"
        )
    return AutoCompaction(mode=mode, retention_ns=retention_ns, retention_revisions=0)


def _tls(texts: Texts, prefix: str) -> TlsFlags:
    return TlsFlags(
        cert_file=texts.optional(f"{prefix}cert-file"),
        key_file=texts.optional(f"{prefix}key-file"),
        client_cert_auth=texts.switch(f"{prefix}client-cert-auth"),
        trusted_ca_file=texts.optional(f"{prefix}trusted-ca-file"),
    )
