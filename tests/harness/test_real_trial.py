"""What a plan of real daemons comes to before any is started."""

from harness.plan import DaemonPlan, Plan
from harness.real_trial import started_for
from nemesis.fault import Fault
from nemesis.faults.pause import Pause
from nemesis.faults.quota import ExhaustQuota
from nemesis.schedule import Asked, At, Schedule

PLAN = Plan(
    environment="local",
    daemon=DaemonPlan(flags=("--quota-backend-bytes=7",), quota_bytes=5_000_000),
)


def of(fault: Fault) -> Schedule:
    return Schedule(seed=1, asked=(Asked(id=1, moment=At(0), fault=fault),))


def test_a_quota_to_be_exhausted_is_small_and_the_plans_own_counts_more() -> None:
    started = started_for(PLAN, of(ExhaustQuota(hold_ns=1)))

    assert started.daemon.flags == ("--quota-backend-bytes=5000000", "--quota-backend-bytes=7")


def test_daemons_have_their_own_quota_otherwise() -> None:
    assert started_for(PLAN, of(Pause(target="n1", hold_ns=1))) is PLAN
