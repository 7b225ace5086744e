"""Flags as etcd has them (etcd, op-guide: configuration)."""

import pytest

from nodeimpl.ids import MILLISECOND, SECOND
from nodeimpl.server.bootstrap import founded_by_flags
from nodeimpl.server.flag_text import FlagError, HelpRequested, unknown_variables
from nodeimpl.server.flags import FLAGS, Flags, help_text, parse_flags
from nodeimpl.server.settings import NEVER_NS, node_config
from nodeimpl.server.urls import Url

CLIENTS = ("--listen-client-urls=http://0.0.0.0:1", "--advertise-client-urls=http://a:1")


def parsed(*arguments: str, **environment: str) -> Flags:
    return parse_flags(arguments, environment)


def test_defaults_are_those_of_etcd() -> None:
    flags = parsed()
    assert (flags.name, flags.data_dir) == ("default", "default.etcd")
    assert flags.listen_client_urls == (Url("http", "localhost", 2379),)
    assert flags.listen_peer_urls == (Url("http", "localhost", 2380),)
    assert flags.initial_cluster == "default=http://localhost:2380"
    assert flags.initial_cluster_token == "etcd-cluster"  # noqa: S105 (no secret)
    assert flags.heartbeat_interval_ns == 100 * MILLISECOND
    assert flags.election_timeout_ns == 1000 * MILLISECOND
    assert flags.quota_backend_bytes == 2 << 30
    assert (flags.txn_ops_max, flags.request_bytes_max) == (128, 1_572_864)
    assert not flags.is_joining


@pytest.mark.parametrize(
    "arguments", [("--name", "n1"), ("--name=n1",), ("-name", "n1"), ("--name=n2", "--name=n1")]
)
def test_a_flag_may_be_written_as_go_allows(arguments: tuple[str, ...]) -> None:
    assert parsed(*arguments).name == "n1"


def test_the_environment_counts_less_than_the_command_line() -> None:
    assert parsed(ETCD_NAME="n1").name == "n1"
    assert parsed("--name=n2", ETCD_NAME="n1").name == "n2"


def test_a_switch_needs_no_value_and_may_have_one() -> None:
    trusted = ("--trusted-ca-file=ca", "--cert-file=c", "--key-file=k")
    assert parsed(*trusted, "--client-cert-auth").client_tls.client_cert_auth
    assert parsed(*trusted, "--client-cert-auth=true").client_tls.client_cert_auth
    assert not parsed(*trusted, "--client-cert-auth=false").client_tls.client_cert_auth


def test_the_data_directory_is_named_for_the_member() -> None:
    assert parsed("--name=n1").data_dir == "n1.etcd"
    assert parsed("--name=n1", "--data-dir=/d").data_dir == "/d"


def test_a_cluster_of_one_is_where_it_says_it_is() -> None:
    flags = parsed("--name=n1", "--initial-advertise-peer-urls=http://a:1,http://b:1")
    assert flags.initial_cluster == "n1=http://a:1,n1=http://b:1"


@pytest.mark.parametrize(
    ("mode", "retention", "expected_ns", "expected_revisions"),
    [
        ("periodic", "0", 0, 0),
        ("periodic", "2", 7200 * SECOND, 0),
        ("periodic", "30m", 1800 * SECOND, 0),
        ("periodic", "1h30m", 5400 * SECOND, 0),
        ("revision", "1000", 0, 1000),
    ],
)
def test_retention_means_hours_a_duration_or_revisions(
    mode: str, retention: str, expected_ns: int, expected_revisions: int
) -> None:
    compaction = parsed(
        f"--auto-compaction-mode={mode}", f"--auto-compaction-retention={retention}"
    ).auto_compaction
    assert compaction.retention_ns == expected_ns
    assert compaction.retention_revisions == expected_revisions


@pytest.mark.parametrize(("given", "expected"), [("0", 2 << 30), ("-1", 2**62), ("4096", 4096)])
def test_a_quota_of_0_means_the_default_and_a_negative_one_none(given: str, expected: int) -> None:
    assert parsed(f"--quota-backend-bytes={given}").quota_backend_bytes == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--frobnicate",), "flag provided but not defined: -frobnicate"),
        (("--name",), "flag needs an argument: -name"),
        (("n1",), "'n1' is not a valid flag"),
        (("--heartbeat-interval=fast",), "invalid value 'fast' for flag --heartbeat-interval"),
        (("--snapshot-count=0",), "expected at least 1"),
        (("--pre-vote=maybe",), "expected true or false"),
        (("--initial-cluster-state=old",), "expected one of new, existing"),
        (("--listen-peer-urls=ftp://a:1",), "URL scheme must be http or https"),
        (("--listen-peer-urls=http://a",), 'URL address does not have the form "host:port"'),
        (("--listen-peer-urls=http://a:1/x",), "URL must not contain a path"),
        (("--election-timeout=400",), "should be at least as 5 times as"),
        (("--listen-client-urls=http://a:1",), "expected --advertise-client-urls"),
        (("--auto-compaction-retention=soon",), "expected hours, or a duration"),
        (("--experimental-corrupt-check-time=5",), "expected a duration"),
        (("--cert-file=c",), "a certificate needs its key"),
        (("--peer-client-cert-auth",), "need --"),
    ],
)
def test_what_no_node_can_be_started_with_is_refused(
    arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(FlagError, match=message):
        parsed(*arguments)


@pytest.mark.parametrize(("argument", "topic"), [("--help", "help"), ("--version", "version")])
def test_help_is_asked_for_instead_of_a_start(argument: str, topic: str) -> None:
    with pytest.raises(HelpRequested, match=topic):
        parsed("--name=n1", argument)


def test_help_names_every_flag() -> None:
    text = help_text()
    assert [flag.name for flag in FLAGS if f"--{flag.name} " not in text] == []


def test_variables_that_only_look_like_flags_are_told_of() -> None:
    environment = {"ETCD_NAME": "n1", "ETCD_NMAE": "n1", "PATH": "/bin"}
    assert unknown_variables(FLAGS, environment) == ["ETCD_NMAE"]


def test_urls_of_both_kinds_are_told_apart() -> None:
    flags = parsed(*CLIENTS, "--listen-peer-urls=https://[::1]:2380,http://a:2")
    assert [url.is_tls for url in flags.listen_peer_urls] == [True, False]
    assert flags.listen_peer_urls[0].address == "[::1]:2380"


def test_checkpoints_of_leases_can_be_switched_off() -> None:
    identity = founded_by_flags(parsed())
    kept = node_config(parsed(), identity).leases.checkpoint_interval_ns
    off = node_config(parsed("--experimental-enable-lease-checkpoint=false"), identity)
    assert kept == 300 * SECOND
    assert off.leases.checkpoint_interval_ns == NEVER_NS
