"""A case in a smaller cluster: those with something to do stay, under the names that are left."""

from harness.case import Case
from harness.generator.listed import ListedOperation
from harness.plan import Plan
from harness.shrink.fewer_nodes import with_fewer_nodes
from nemesis.encoding import asked_value
from tests.simulation.trials import schedule_of

PLAN = Plan(nodes=5)
KILL = '{"id":1,"at_ms":5,"do":"restart","target":"n4","tail":"lost","down_ms":9}'
CUT = '{"id":2,"at_ms":6,"do":"partition","links":[["n4","n2"],["n5","n4"]],"hold_ms":9}'
SLOW = '{"id":3,"at_ms":7,"do":"slow_fsync","target":"n1","extra_ms":3,"hold_ms":9}'
ALL = '{"id":4,"at_ms":8,"do":"pause","target":"all","hold_ms":9}'


def reduced(*events: str, count: int = 3, nodes: tuple[str | None, ...] = ()) -> Case:
    operations = tuple(
        ListedOperation(at_ns=place, thread=0, node=node, f="read")
        for place, node in enumerate(nodes)
    )
    case = Case(plan=PLAN, schedule=schedule_of(PLAN, *events), operations=operations)
    return with_fewer_nodes(case, count)


def faults(case: Case) -> list[dict[str, object]]:
    return [asked_value(each) for each in case.schedule.asked]


def test_nodes_that_faults_name_stay_under_other_names() -> None:
    case = reduced(KILL, CUT, count=3)
    assert case.plan.nodes == 3
    kill, cut = faults(case)
    assert kill["target"] == "n2"
    assert cut["links"] == (("n2", "n1"), ("n3", "n2"))


def test_faults_of_nodes_that_are_gone_are_gone() -> None:
    case = reduced(KILL, KILL.replace('"id":1', '"id":5'), CUT, SLOW, count=1)
    assert [fault["do"] for fault in faults(case)] == ["restart", "restart"]
    assert {fault["target"] for fault in faults(case)} == {"n1"}


def test_words_for_nodes_stay_words() -> None:
    assert faults(reduced(ALL))[0]["target"] == "all"


def test_operations_go_to_who_is_left() -> None:
    case = reduced(KILL, nodes=("n1", "n4", "n5", None), count=3)
    assert case.operations is not None
    assert [each.node for each in case.operations] == ["n1", "n3", "n2", None]
