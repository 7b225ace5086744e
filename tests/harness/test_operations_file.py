"""Lists of operations as files: written and read back, and what is wrong with one is said."""

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.generator.listed import ListedOperation
from harness.operations_file import (
    operations_for,
    operations_in,
    read_operations,
    write_operations,
)
from harness.plan import Plan, WorkloadPlan

PLAN = Plan(nodes=3, workload=WorkloadPlan(concurrency=2))
PUT = ListedOperation(
    at_ns=12_345_678, thread=1, node="n2", f="put", key="k1", value={"key": "k1", "value": "5"}
)
READ = ListedOperation(at_ns=1_000_000, thread=0, f="read", key="r0")


def test_what_was_written_is_read_back_by_its_times() -> None:
    text = write_operations([PUT, READ])
    assert operations_in(text, PLAN, path="x") == (READ, PUT)
    assert operations_in(write_operations([]), PLAN, path="x") == ()


def test_one_operation_is_one_line() -> None:
    assert write_operations([READ]).decode() == (
        '{"v":1,\n "operations":[\n  {"at_ms":1.0,"thread":0,"f":"read","key":"r0"}]}\n'
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (b'{"v":2,"operations":{}}', "version 2"),
        (b'{"v":1}', "operations"),
        (b'{"v":1,"operations":[{"at_ms":-1,"thread":0,"f":"read"}]}', "at_ms"),
        (b'{"v":1,"operations":[{"at_ms":1,"thread":2,"f":"read"}]}', "2 clients"),
        (b'{"v":1,"operations":[{"at_ms":1,"thread":0,"f":"read","node":"n4"}]}', "'n4'"),
        (b'{"v":1,"operations":[{"at_ms":1,"thread":0,"f":"read","kye":"r0"}]}', "kye"),
        (b"\xff", "not a list of operations"),
        (b"[" * 100_000, "not a list of operations"),
    ],
)
def test_what_is_no_list_of_this_plans_operations_is_refused(text: bytes, complaint: str) -> None:
    with pytest.raises(UsageError, match="somewhere: ") as raised:
        operations_in(text, PLAN, path="somewhere")
    assert complaint in str(raised.value)


def test_a_plan_names_its_list_relative_to_itself(tmp_path: Path) -> None:
    (tmp_path / "ops.json").write_bytes(write_operations([READ]))
    plan = Plan(workload=WorkloadPlan(operations="ops.json"))
    assert operations_for(plan, tmp_path) == (READ,)
    assert operations_for(Plan(), tmp_path) is None
    with pytest.raises(UsageError, match="cannot read the operations"):
        read_operations(tmp_path / "missing.json", plan)
