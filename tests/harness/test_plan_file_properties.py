"""Plans survive being written and read."""

from hypothesis import given
from hypothesis import strategies as st

from harness.plan import FaultPlan, NetworkPlan, NodePlan, Plan, WorkloadPlan
from harness.plan_file import dump_plan, parse_plan

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
POSITIVE = st.floats(min_value=1e-6, max_value=1e9, exclude_min=True)
PROBABILITY = st.floats(min_value=0, max_value=1)

PLANS = st.builds(
    Plan,
    seed=st.integers(0, 2**63 - 1),
    system=TEXT,
    nodes=st.integers(1, 99),
    mutant=st.none() | TEXT,
    workload=st.builds(
        WorkloadPlan, name=TEXT, rate=POSITIVE, keys=st.integers(1, 10**9), rove=PROBABILITY
    ),
    faults=st.builds(
        FaultPlan, packages=st.lists(TEXT, max_size=4).map(tuple), schedule=st.none() | TEXT
    ),
    network=st.builds(
        NetworkPlan,
        delay_ms_min=st.floats(min_value=0, max_value=1),
        delay_ms_max=st.floats(min_value=1, max_value=1e9),
        loss=PROBABILITY,
    ),
    node=st.builds(
        NodePlan,
        election_timeout_ms=st.tuples(st.floats(200, 1000), st.floats(1001, 1e9)),
    ),
)


@given(PLANS)
def test_a_dumped_plan_parses_to_itself(plan: Plan) -> None:
    assert parse_plan(dump_plan(plan)) == plan
