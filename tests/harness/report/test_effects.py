"""What faults are said to have done, on histories whose every answer is known."""

from collections.abc import Sequence

import msgspec

from checkers.history import NEMESIS, History, Op, OpType
from harness.report.effects import Calm, Effect, Felt, effects_of
from harness.report.roles import RoleSpan
from harness.report.summary import effect_lines, effects_words
from nemesis.applied import Applied, Outcome, Phase
from nemesis.fault import Fault
from nemesis.faults.compact import Compact
from nemesis.faults.members import Grow
from nemesis.faults.pause import Pause
from nemesis.faults.restart import Restart, Tail
from nodeimpl.ids import MILLISECOND, SECOND

EVERY_NS = 10 * MILLISECOND
LATENCY_NS = 2 * MILLISECOND


def history(
    *, silent_s: tuple[float, float] = (0.0, 0.0), slow_s: tuple[float, float] = (0.0, 0.0)
) -> History:
    """Ten seconds of reads, one every 10 ms; none within `silent_s`, slow ones within `slow_s`."""
    ops: list[Op] = []
    for place in range(1000):
        at_ns = place * EVERY_NS
        if silent_s[0] <= at_ns / SECOND < silent_s[1]:
            continue
        is_slow = slow_s[0] <= at_ns / SECOND < slow_s[1]
        for type_, time in (
            (OpType.INVOKE, at_ns),
            (OpType.OK, at_ns + LATENCY_NS * (1 + 3 * is_slow)),
        ):
            ops.append(Op(index=len(ops), time=time, process=1, type=type_, f="read"))
    return History(ops)


def pause(at_s: float, seconds: float, id_: int = 1, node: str = "n1") -> list[Applied]:
    fault = Pause(target=node, hold_ns=round(seconds * SECOND))
    return applied(fault, at_s, seconds, id_)


def applied(fault: Fault, at_s: float, seconds: float, id_: int = 1) -> list[Applied]:
    return [
        Applied(at_ns=round(when * SECOND), id=id_, phase=phase, outcome=Outcome.DONE, fault=fault)
        for when, phase in ((at_s, Phase.BEGIN), (at_s + seconds, Phase.END))
    ]


def only(history_: History, faults: Sequence[Applied], roles: Sequence[RoleSpan] = ()) -> Effect:
    (effect,) = effects_of(history_, faults, roles).each
    return effect


def test_a_silence_during_a_fault_is_felt_by_clients_and_measured_from_its_beginning() -> None:
    effect = only(history(silent_s=(4.0, 5.0)), pause(4.0, 0.5))

    assert effect.felt is Felt.CLIENTS
    assert effect.silence_ns == 1002 * MILLISECOND
    assert effect.recovery_ns == 502 * MILLISECOND


def test_a_fault_that_changes_nothing_is_flagged() -> None:
    effects = effects_of(history(), pause(4.0, 0.5), ())

    assert effects.each[0].felt is Felt.NOBODY
    assert list(effect_lines(effects))[-1] == "          no effect: pause of 4.0 s"


def test_slow_answers_are_felt() -> None:
    effect = only(history(slow_s=(4.0, 6.0)), pause(4.0, 1.0))

    assert effect.felt is Felt.CLIENTS
    assert effect.latency_ms == 8.0


def test_an_election_is_felt() -> None:
    reign = RoleSpan(node="n2", start_ns=4_500 * MILLISECOND, end_ns=10**10, role="leader", term=2)

    assert only(history(), pause(4.0, 0.2), [reign]).felt is Felt.CLIENTS
    assert only(history(), pause(1.0, 0.2), [reign]).felt is Felt.NOBODY


def test_a_kill_without_consequences_was_felt_by_the_node_alone() -> None:
    kill = Restart(target="n1", tail=Tail.KEPT, down_ns=SECOND // 10)

    assert only(history(), applied(kill, 4.0, 0.1)).felt is Felt.NODE


def test_what_was_skipped_has_no_effect_and_no_flag() -> None:
    begin, _ = pause(4.0, 0.5)
    skipped = msgspec.structs.replace(begin, outcome=Outcome.SKIPPED, reason="it is down")

    assert only(history(), [skipped]).felt is Felt.NOT_DONE


def test_nothing_is_said_of_a_fault_during_which_hardly_anybody_asked() -> None:
    effect = only(history(silent_s=(2.0, 9.0)), [*pause(3.0, 0.001)])

    assert effect.operation_count == 0
    assert effect.latency_ms is None
    assert effect.felt is Felt.CLIENTS  # they waited, whoever asked
    few = History(list(history().ops[:8]))
    assert only(few, pause(0.035, 0.001)).felt is Felt.TOO_SHORT


def test_the_silence_of_the_next_fault_is_not_blamed_on_the_one_before() -> None:
    faults = [*pause(3.0, 0.1, id_=1), *pause(3.5, 1.0, id_=2)]

    first, second = effects_of(history(silent_s=(3.5, 4.5)), faults, ()).each

    assert (first.felt, second.felt) == (Felt.NOBODY, Felt.CLIENTS)
    assert first.together_with == ()


def test_faults_in_force_at_once_are_named_together() -> None:
    faults = sorted([*pause(3.0, 1.0, id_=1), *pause(3.5, 1.0, id_=2)], key=lambda each: each.at_ns)

    first, second = effects_of(history(), faults, ()).each

    assert (first.together_with, second.together_with) == ((2,), (1,))


def test_calm_is_what_lies_outside_faults() -> None:
    effects = effects_of(history(slow_s=(4.0, 6.0)), pause(4.0, 1.5), ())

    assert effects.calm == Calm(
        silence_ns=EVERY_NS, latency_ms=2.0, error_share=0.0, is_whole_run=False
    )


def test_a_run_that_is_never_calm_is_compared_with_itself() -> None:
    assert effects_of(history(), pause(0.0, 10.0), ()).calm.is_whole_run


def test_a_fault_in_force_when_the_run_was_cut_short_lasts_to_the_end() -> None:
    begin, _end = pause(4.0, 0.5)
    effect = only(history(), [begin])

    assert (effect.begin_ns, effect.end_ns) == (4 * SECOND, None)
    assert effect.over_ns == history().ops[-1].time
    assert effect.recovery_ns is None


def test_a_fault_without_an_end_is_over_at_once() -> None:
    begin, _none = applied(Compact(target="n1", keep=0), 4.0, 0.0)

    assert only(history(), [begin]).over_ns == 4 * SECOND
    assert only(history(), pause(4.0, 0.5)).over_ns == 4.5 * SECOND


def test_an_empty_history_has_no_effects_to_tell() -> None:
    effects = effects_of(History([]), [], ())

    assert effects.each == ()
    assert list(effect_lines(effects)) == []


def test_nemesis_ops_do_not_break_a_silence() -> None:
    ops = list(history(silent_s=(4.0, 5.0)).ops)
    note = Op(index=0, time=4_500 * MILLISECOND, process=NEMESIS, type=OpType.INFO, f="pause")
    merged = sorted([*ops, note], key=lambda op: op.time)
    renumbered = [msgspec.structs.replace(op, index=index) for index, op in enumerate(merged)]

    assert only(History(renumbered), pause(4.0, 0.5)).silence_ns == 1002 * MILLISECOND


def test_the_sentence_counts_each_kind() -> None:
    faults = [*pause(2.0, 0.1, id_=1), *pause(6.0, 0.5, id_=2)]

    effects = effects_of(history(silent_s=(6.0, 7.0)), faults, ())

    assert effects_words(effects) == "2 faults: 1 felt by clients, 1 without effect"


def change(outcome: str, at_ns: int) -> Op:
    """Return what a history says of n4, which was to join."""
    value = {"phase": "change", "do": "grow", "asked": "n4 is to join", "outcome": outcome}
    return Op(index=0, time=at_ns, process=NEMESIS, type=OpType.INFO, f="grow", value=value)


def with_change(outcome: str) -> History:
    ops = [*history().ops, change(outcome, 12 * SECOND)]
    return History([msgspec.structs.replace(op, index=index) for index, op in enumerate(ops)])


def grown() -> list[Applied]:
    return [
        Applied(
            at_ns=4 * SECOND,
            id=1,
            phase=Phase.BEGIN,
            outcome=Outcome.DONE,
            fault=Grow(),
            reason="n4 is to join, verified after 3 ms",
        )
    ]


def test_members_that_became_others_are_an_effect_even_if_no_client_noticed() -> None:
    assert only(with_change("done"), grown()).felt is Felt.NODE


def test_a_change_of_the_members_that_was_refused_to_the_end_was_not_done() -> None:
    assert only(with_change("not done"), grown()).felt is Felt.NOT_DONE


def test_a_change_of_the_members_of_which_nothing_is_known_is_told_by_clients_alone() -> None:
    assert only(history(), grown()).felt is Felt.NOBODY
