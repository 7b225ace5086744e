"""Reading and writing schedule files, and what is said of wrong ones."""

import pytest

from nemesis.applied import Applied, Outcome, Phase
from nemesis.faults.clock import ClockBump
from nemesis.faults.delay import Delay
from nemesis.faults.hold import Hold
from nemesis.faults.lose import Lose
from nemesis.faults.lying_disk import LyingFsync
from nemesis.faults.partition import Partition
from nemesis.faults.pause import Pause
from nemesis.faults.registry import FAULT_NAMES
from nemesis.faults.restart import Restart, Tail
from nemesis.link_choice import Aim, Aimed, Divided, Exactly, Groups, Topology
from nemesis.schedule import Asked, At, BecomesRole, Commits, ObservedRole, Schedule, When
from nemesis.schedule_file import ScheduleError, parse_schedule, write_schedule

NODES = ("n1", "n2", "n3")

EXAMPLE = b"""{"v":1,"seed":7,
 "events":[
  {"id":1,"at_ms":809,"do":"restart","target":"leader","tail":"torn","down_ms":412},
  {"id":2,"when":{"event":"role","role":"leader","nth":2},"delay_ms":0.4,
   "do":"partition","groups":[["$node"]],"hold_ms":600}],
 "applied":[
  {"at_ns":809000000,"id":1,"phase":"begin","outcome":"done",
   "do":"restart","node":"n1","tail":"torn","down_ms":412}]}
"""


def parse(text: bytes) -> Schedule:
    return parse_schedule(text, path="faults.json", nodes=NODES)


def parse_event(event: str) -> Asked:
    return parse(f'{{"v":1,"seed":7,"events":[{{"id":1,{event}}}]}}'.encode()).asked[0]


def complaint(text: bytes) -> str:
    with pytest.raises(ScheduleError) as caught:
        parse(text)
    return str(caught.value)


def test_the_documented_example_is_read() -> None:
    kill = Restart(target="leader", tail=Tail.TORN, down_ns=412_000_000)
    becomes = BecomesRole(role=ObservedRole.LEADER, nth=2)
    cut = Partition(links=Groups((("$node",),)), hold_ns=600_000_000)

    assert parse(EXAMPLE) == Schedule(
        seed=7,
        asked=(
            Asked(id=1, moment=At(809_000_000), fault=kill),
            Asked(id=2, moment=When(becomes, delay_ns=400_000), fault=cut),
        ),
        applied=(
            Applied(
                at_ns=809_000_000,
                id=1,
                phase=Phase.BEGIN,
                outcome=Outcome.DONE,
                fault=Restart(target="n1", tail=Tail.TORN, down_ns=412_000_000),
            ),
        ),
    )


def test_what_is_written_has_one_line_per_event_and_record() -> None:
    written = write_schedule(parse(EXAMPLE)).decode().splitlines()

    assert written == [
        '{"v":1,"seed":7,',
        ' "events":[',
        '  {"id":1,"at_ms":809,"do":"restart","target":"leader","tail":"torn","down_ms":412},',
        (
            '  {"id":2,"when":{"event":"role","role":"leader","nth":2},"delay_ms":0.4,'
            '"do":"partition","groups":[["$node"]],"hold_ms":600}],'
        ),
        ' "applied":[',
        (
            '  {"at_ns":809000000,"id":1,"phase":"begin","outcome":"done","do":"restart",'
            '"node":"n1","tail":"torn","down_ms":412}]}'
        ),
    ]


def test_events_and_applied_may_be_missing() -> None:
    assert parse(b'{"v":1,"seed":0}') == Schedule(seed=0)


def test_a_restart_keeps_the_tail_unless_told() -> None:
    asked = parse_event('"at_ms":0,"do":"restart","target":"n2","down_ms":1')

    assert asked.fault == Restart(target="n2", tail=Tail.KEPT, down_ns=1_000_000)


def test_a_trigger_is_the_first_of_any_node_unless_told() -> None:
    asked = parse_event('"when":{"event":"commit"},"do":"pause","target":"$node","hold_ms":1')

    assert asked.moment == When(Commits(nth=1), delay_ns=0)


def test_a_target_alone_means_all_its_links() -> None:
    asked = parse_event('"at_ms":0,"do":"lose","target":"one","probability":0.5,"hold_ms":1')

    assert asked.fault == Lose(links=Aimed(Aim.AROUND, "one"), probability=0.5, hold_ns=1_000_000)


def test_a_topology_may_have_a_target() -> None:
    asked = parse_event(
        '"at_ms":0,"do":"partition","topology":"one_way_out","target":"leader","hold_ms":1'
    )

    assert asked.fault == Partition(links=Aimed(Aim.ONE_WAY_OUT, "leader"), hold_ns=1_000_000)


def test_a_topology_of_the_whole_cluster_has_none() -> None:
    asked = parse_event('"at_ms":0,"do":"partition","topology":"bridge","hold_ms":1')

    assert asked.fault == Partition(links=Divided(Topology.BRIDGE), hold_ns=1_000_000)


def test_links_are_sorted_and_each_is_taken_once() -> None:
    asked = parse_event(
        '"at_ms":0,"do":"delay","latency_ms":1.5,"hold_ms":1,'
        '"links":[["n2","n1"],["n1","n2"],["n2","n1"]]'
    )

    links = Exactly((("n1", "n2"), ("n2", "n1")))
    assert asked.fault == Delay(links=links, latency_ns=1_500_000, jitter_ns=0, hold_ns=1_000_000)


def test_a_hold_takes_any_message_in_order_and_once_unless_told() -> None:
    asked = parse_event('"at_ms":0,"do":"hold","target":"n1","count":2,"hold_ms":1')

    assert asked.fault == Hold(
        links=Aimed(Aim.AROUND, "n1"),
        kinds=(),
        count=2,
        is_reversed=False,
        is_doubled=False,
        hold_ns=1_000_000,
    )


def test_a_clock_may_be_set_back() -> None:
    asked = parse_event('"at_ms":0,"do":"clock_bump","target":"n1","offset_ms":-1.5,"hold_ms":1')

    assert asked.fault == ClockBump(target="n1", offset_ns=-1_500_000, hold_ns=1_000_000)


def test_a_lie_has_a_power_cut_only_if_told() -> None:
    asked = parse_event('"at_ms":0,"do":"lying_fsync","target":"n1","hold_ms":1')

    assert asked.fault == LyingFsync(target="n1", power_cut_after_ns=None, hold_ns=1_000_000)


def test_the_line_named_is_that_of_the_offending_event() -> None:
    wrong = EXAMPLE.replace(b'"hold_ms":600', b'"hold_ms":-600')

    assert complaint(wrong) == (
        "faults.json:4: events item 2: `hold_ms` must be milliseconds from 0 to 1000000000, "
        "not -600"
    )


def test_the_line_named_is_that_of_the_offending_record() -> None:
    wrong = EXAMPLE.replace(b'"node":"n1"', b'"node":"n9"')

    assert complaint(wrong).startswith("faults.json:7: applied item 1: no node is called `n9`")


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (
            '"at_ms":0,"do":"restrat","target":"n1","down_ms":1',
            (
                f"`do` must be one of {', '.join(FAULT_NAMES)}, "
                'not "restrat" (did you mean `restart`?)'
            ),
        ),
        (
            '"at_ms":0,"do":"restart","target":"n1"',
            "the event lacks `down_ms`, milliseconds from 0 to 1000000000",
        ),
        (
            '"at_ms":0,"do":"pause","target":"n1","hold_ms":1,"tail":"torn"',
            "the event has a field `tail` that means nothing here: correct or remove it",
        ),
        (
            '"at_ms":0,"do":"pause","target":"n9","hold_ms":1',
            (
                "no node is called `n9`; the nodes are n1, n2, n3, and a target may also be one, "
                "minority, majority, all, leader, followers"
            ),
        ),
        (
            '"at_ms":-1,"do":"pause","target":"n1","hold_ms":1',
            "`at_ms` must be milliseconds from 0 to 1000000000, not -1",
        ),
        (
            '"at_ms":true,"do":"pause","target":"n1","hold_ms":1',
            "`at_ms` must be milliseconds from 0 to 1000000000, not true",
        ),
        (
            '"at_ms":0,"when":{"event":"commit"},"do":"pause","target":"n1","hold_ms":1',
            "`at_ms` and `when` both say the moment: keep one of them",
        ),
        (
            '"do":"pause","target":"n1","hold_ms":1',
            "the event lacks `at_ms`, milliseconds from 0 to 1000000000",
        ),
        (
            '"when":{"event":"role","role":"king"},"do":"pause","target":"n1","hold_ms":1',
            '`role` must be one of leader, candidate, follower, not "king"',
        ),
        (
            '"when":{"event":"commit","nth":0},"do":"pause","target":"n1","hold_ms":1',
            "`nth` must be a whole number from 1 to 1000000000, not 0",
        ),
        (
            '"at_ms":0,"do":"pause","target":"$node","hold_ms":1',
            "`$node` needs a `when`: a fault at a time has no triggering node",
        ),
        (
            '"at_ms":0,"do":"partition","hold_ms":1',
            "no links are chosen: give `target`, `topology`, `groups` or `links`",
        ),
        (
            '"at_ms":0,"do":"partition","topology":"ring","groups":[],"hold_ms":1',
            "`topology` and `groups` both choose the links: keep one of them",
        ),
        (
            '"at_ms":0,"do":"partition","groups":[["n1"],["n1"]],"hold_ms":1',
            "`groups` names `n1` twice: a node is in one group",
        ),
        (
            '"at_ms":0,"do":"partition","groups":["n1"],"hold_ms":1',
            '`groups` must be lists of node names, as [["n1"],["n2","n3"]], not ["n1"]',
        ),
        (
            '"at_ms":0,"do":"partition","links":[["n1","n1"]],"hold_ms":1',
            'a link is a pair of two different nodes, not ["n1","n1"]',
        ),
        (
            '"at_ms":0,"do":"hold","target":"n1","kinds":[],"count":1,"hold_ms":1',
            "`kinds` names no message: leave it out to hold any",
        ),
        (
            '"at_ms":0,"do":"hold","target":"n1","kinds":"x","count":1,"hold_ms":1',
            '`kinds` must be names of messages, as ["AppendEntriesReply"], not "x"',
        ),
        (
            '"at_ms":0,"do":"hold","target":"n1","reversed":1,"count":1,"hold_ms":1',
            "`reversed` must be true or false, not 1",
        ),
        (
            '"at_ms":0,"do":"clock_drift","target":"n1","rate":0,"hold_ms":1',
            "`rate` must be a number from 0.01 to 100, not 0",
        ),
        (
            '"at_ms":0,"do":"clock_strobe","target":"n1","rate":0.5,"period_ms":5,"hold_ms":1',
            "`rate` must be a number from 1 to 100, not 0.5",
        ),
        (
            '"at_ms":0,"do":"clock_strobe","target":"n1","rate":2,"period_ms":0,"hold_ms":1',
            "`period_ms` must be milliseconds from 1 to 1000000000, not 0",
        ),
        (
            '"at_ms":0,"do":"compact","target":"n1","keep":0,"hold_ms":1',
            "the event has a field `hold_ms` that means nothing here: correct or remove it",
        ),
        (
            '"at_ms":0,"do":"lose","target":"n1","probability":30,"hold_ms":1',
            "`probability` must be a probability from 0 to 1, not 30",
        ),
    ],
)
def test_a_wrong_event_is_explained(event: str, said: str) -> None:
    text = f'{{"v":1,"seed":7,"events":[\n{{"id":1,{event}}}]}}'.encode()

    assert complaint(text) == f"faults.json:2: events item 1: {said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'{"v":1,\n"seed":7,\n"event":[]}', "3: a schedule has no `event` (did you mean `events`"),
        (b'{"v":2,"seed":7,"future":1}', "1: a schedule has no `future`; it has v, seed, events"),
        (b'{"seed":7,\n"v":2}', "2: the format is version 2, and this Quorate reads up to 1"),
        (b'{"seed":7}', "1: the schedule lacks `v`"),
        (b'{"v":1,\n"seed":"7"}', "2: `seed` must be a whole number from 0"),
        (b'{"v":1,"seed":7,"events":{}}', "1: `events` must be a list"),
        (b'{"v":1,"seed":7,"events":[7]}', "1: events item 1: the event must be an object"),
        (b"[]", "1: a schedule is one JSON object"),
        (b"", "1: not valid JSON: Input data was truncated"),
        (b'{"v":1,\n"seed":NaN}', "2: not valid JSON: JSON is malformed"),
        (b'{"v":1,\n"seed":7,\n"events":[', "3: not valid JSON: Input data was truncated"),
        (b'{"v":1,\n"seed":"\xff"}', "2: not valid JSON: a byte that is not UTF-8"),
        (b'{"v":' * 100_000, "1: not valid JSON"),
    ],
)
def test_a_wrong_file_is_explained(text: bytes, said: str) -> None:
    assert complaint(text).startswith(f"faults.json:{said}")


def test_ids_are_unique() -> None:
    wrong = EXAMPLE.replace(b'"id":2', b'"id":1')

    assert complaint(wrong) == (
        "faults.json:4: the id 1 is taken, line 3 has it too: ids are unique"
    )


def test_a_fault_that_meant_nothing_is_recorded_as_it_was_asked() -> None:
    skipped = Applied(
        at_ns=5,
        id=1,
        phase=Phase.BEGIN,
        outcome=Outcome.SKIPPED,
        fault=Pause(target="minority", hold_ns=7),
        reason="it means nothing in a cluster of 1",
    )
    schedule = Schedule(seed=1, applied=(skipped,))

    assert b'"target":"minority"' in write_schedule(schedule)
    assert parse(write_schedule(schedule)) == schedule
