"""Roles read from traces."""

from pathlib import Path

import pytest

from harness.environments.real_time.outcome import RoleSeen
from harness.errors import RunDirectoryError
from harness.report.roles import elections, restarts, seen_roles, traced_roles

TRACE = b"""\
{"at":-5,"node":"n1","what":{"type":"start","incarnation":1,"term":0,"last_index":0}}
{"at":10,"node":"n1","what":{"type":"role","role":"leader","term":1,"leader":"n1"}}
{"at":11,"node":"n1","what":{"type":"persist","term":1,"voted_for":"n1","first_index":0}}
{"at":20,"node":"n1","what":{"type":"crash","tail":"lost","lost_bytes":4}}
{"at":30,"node":"n1","what":{"type":"start","incarnation":2,"term":1,"last_index":3}}
{"at":40,"node":"n1","what":{"type":"role","role":"follower","term":1,"leader":null}}
"""


def test_spans_follow_one_another_and_the_last_reaches_the_end(tmp_path: Path) -> None:
    (tmp_path / "n1.jsonl").write_bytes(TRACE)

    spans = traced_roles(tmp_path, 100)

    assert [(span.start_ns, span.end_ns, span.role, span.term) for span in spans] == [
        (-5, 10, "follower", 0),
        (10, 20, "leader", 1),
        (20, 30, "down", 1),
        (30, 100, "follower", 1),
    ]
    assert [span.term for span in elections(spans)] == [1]
    assert [span.start_ns for span in restarts(spans)] == [20]


def test_nodes_are_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    for node in ("n10", "n2"):
        (tmp_path / f"{node}.jsonl").write_bytes(TRACE.replace(b'"n1"', f'"{node}"'.encode()))

    assert list(dict.fromkeys(span.node for span in traced_roles(tmp_path, 50))) == ["n2", "n10"]


def test_a_torn_last_line_is_dropped_and_another_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "n1.jsonl"
    path.write_bytes(TRACE + b'{"at":50,"node":"n1","what":{"type":"role","ro')
    assert traced_roles(tmp_path, 100)[-1].end_ns == 100

    path.write_bytes(TRACE + b'{"at":"x","node":"n1","what":{"type":"role"}}\n')
    with pytest.raises(RunDirectoryError, match=r"n1\.jsonl:7: not a transition"):
        traced_roles(tmp_path, 100)


def test_a_term_is_one_election_however_often_its_leader_was_seen() -> None:
    seen = [
        RoleSeen(at_ns=1, node="n2", role="leader", term=3),
        RoleSeen(at_ns=5, node="n3", role="leader", term=3),
        RoleSeen(at_ns=6, node="n3", role="leader", term=4),
    ]

    assert [(span.node, span.term) for span in elections(seen_roles(seen, 9))] == [
        ("n2", 3),
        ("n3", 4),
    ]


def test_what_was_seen_from_outside_becomes_spans_too() -> None:
    seen = [
        RoleSeen(at_ns=1, node="n1", role="leader", term=2),
        RoleSeen(at_ns=5, node="n2", role="leader", term=3),
        RoleSeen(at_ns=6, node="n1", role="follower", term=3),
    ]

    assert [(span.node, span.start_ns) for span in elections(seen_roles(seen, 9))] == [
        ("n1", 1),
        ("n2", 5),
    ]
