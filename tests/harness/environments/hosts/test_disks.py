"""Disks on real hosts: what their agents are told."""

from collections import deque

import msgspec
import pytest

from harness.environments.hosts.agent import Agent
from harness.environments.hosts.disks import HostDisks
from harness.systems.rot import Rot
from nemesis.surface import SurfaceError

ROT = Rot("member/wal/1.wal", ((7, 3), (9, 1)))


class Line:
    """An agent that gives the answers that it was given."""

    def __init__(self, *answers: bytes) -> None:
        self.told: list[dict[str, object]] = []
        self._answers = deque([b"{}\n", *answers])

    def send(self, line: bytes) -> None:
        self.told.append(msgspec.json.decode(line, type=dict[str, object]))

    def receive(self) -> bytes:
        return self._answers.popleft()

    def close(self) -> None:
        self._answers.clear()


def disks_of(line: Line, rot: Rot | None) -> HostDisks:
    agent = Agent("n1", line)
    return HostDisks(lambda _: agent, lambda _node, _count: rot)


def test_the_bits_that_are_chosen_are_flipped_counted_and_put_right() -> None:
    line = Line(b'{"ok":3}\n', b'{"ok":2}\n', b'{"ok":2}\n')
    disks = disks_of(line, ROT)

    assert disks.knows_records
    assert disks.flip_bits("n1", 3) == 3
    assert disks.wrong_bits("n1") == 2
    assert disks.restore("n1") == 2
    assert line.told == [
        {"do": "flip", "file": "member/wal/1.wal", "bits": [[7, 3], [9, 1]]},
        {"do": "rotten"},
        {"do": "put_right"},
    ]


def test_a_log_of_which_no_bit_can_rot_is_left_alone() -> None:
    line = Line()

    assert disks_of(line, None).flip_bits("n1", 3) == 0
    assert line.told == []


def test_disks_whose_logs_nobody_can_look_at_know_no_records() -> None:
    agent = Agent("n1", Line())
    disks = HostDisks(lambda _: agent)

    assert not disks.knows_records
    with pytest.raises(SurfaceError, match="cannot tell records apart"):
        disks.flip_bits("n1", 3)
