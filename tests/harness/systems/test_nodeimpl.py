"""How our own node is started as a daemon, with or without a planted bug."""

import sys

from harness.plan import Plan
from harness.systems.nodeimpl import nodeimpl_of
from harness.systems.system import Launch, Member

MEMBER = Member(name="n1", client_address="127.0.0.1:1", peer_address="127.0.0.1:2")
LAUNCH = Launch(member=MEMBER, members=(MEMBER,), data_directory="/data", cluster="c")


def test_it_is_this_python_running_the_node() -> None:
    command = nodeimpl_of(Plan()).command(LAUNCH)

    assert command[:3] == (sys.executable, "-m", "nodeimpl")


def test_a_planted_bug_is_planted_by_a_program_around_the_node() -> None:
    healthy = nodeimpl_of(Plan()).command(LAUNCH)
    command = nodeimpl_of(Plan(mutant="figure-8")).command(LAUNCH)

    assert command == (*healthy[:2], "harness.mutant_daemon", "figure-8", *healthy[3:])


def test_a_backup_is_restored_by_our_own_tool() -> None:
    command = nodeimpl_of(Plan()).restore_command(LAUNCH, "/backup")

    assert command[:5] == (sys.executable, "-m", "nodeimpl.snapctl", "restore", "/backup")
    assert "--data-dir=/data" in command
    assert "--initial-cluster=n1=http://127.0.0.1:2" in command
    assert not any(flag.startswith(("--listen", "--initial-cluster-state")) for flag in command)
