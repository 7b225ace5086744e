"""Lines of real nodes' logs, as etcd and our node write them."""

from datetime import UTC, datetime

import pytest

from harness.report.daemon_log import LogLine, log_lines

ZERO = datetime(2026, 11, 26, 11, 22, 8, 500_000, tzinfo=UTC)

ETCD_35 = '{"level":"info","ts":"2026-11-26T11:22:08.557Z","caller":"embed/etcd.go:117","msg":"x"}'
ETCD_35_ELSEWHERE = '{"level":"warn","ts":"2026-11-26T12:22:09.000+0100","msg":"slow"}'
ETCD_34_EPOCH = '{"level":"error","ts":1795692128.75,"msg":"failed"}'
CONSOLE = "2026-11-26T11:22:10.000Z\twarn\tetcdserver/util.go:166\tapply request took too long"
CAPNSLOG = "2026-11-26 06:22:09.500000 W | etcdserver: read-only range request took too long"
OURS = '{"role": "leader", "term": 1, "level": "info", "ts": "2026-11-26T11:22:08.541695Z"}'
OURS_WARNS = '{"peer": 1, "level": "warning", "ts": "2026-11-26T11:22:09.500001Z", "msg": "gone"}'


def read(*lines: str) -> list[LogLine]:
    return list(log_lines([f"{line}\n" for line in lines], ZERO))


@pytest.mark.parametrize(
    ("line", "at_ms", "warns"),
    [
        (ETCD_35, 57, False),
        (ETCD_35_ELSEWHERE, 500, True),
        (ETCD_34_EPOCH, 250, True),
        (CONSOLE, 1500, True),
        (CAPNSLOG, 1000, True),
        (CAPNSLOG.replace(" W |", " I |"), 1000, False),
        (OURS, 41.695, False),
        (OURS_WARNS, 1000.001, True),
    ],
)
def test_every_form_has_its_time_and_says_whether_it_warns(
    line: str, at_ms: float, *, warns: bool
) -> None:
    assert read(line) == [LogLine(at_ns=round(at_ms * 1e6), warns=warns, text=line)]


def test_a_line_without_a_time_has_that_of_the_line_before_it() -> None:
    traceback = ["panic: index out of range", "", "goroutine 1 [running]:"]

    before, *known = read("\tat the very start", OURS, *traceback)

    assert before.at_ns is None
    assert [line.at_ns for line in known] == [41_695_000] * 4
    assert [line.warns for line in known] == [False, True, False, False]


def test_the_first_time_without_a_zone_tells_the_zone_of_all() -> None:
    late = CAPNSLOG.replace("06:22:09", "06:42:09")

    assert [line.at_ns for line in read(CAPNSLOG, late)] == [10**9, 10**9 + 1200 * 10**9]


@pytest.mark.parametrize(
    "line",
    [
        '{"level":"info","ts":"2026-11-26T11:2',
        '{"level":7}',
        '{"ts":"yesterday"}',
        '{"ts":1e300}',
        "2026-11-26 99:22:09.500000 I | etcdserver: no such time",
    ],
)
def test_what_has_no_time_that_is_known_is_a_line_all_the_same(line: str) -> None:
    assert read(line) == [LogLine(at_ns=None, warns=False, text=line)]


def test_no_line_has_a_time_where_nobody_knows_when_the_history_began() -> None:
    [line] = log_lines([OURS_WARNS], None)

    assert line == LogLine(at_ns=None, warns=True, text=OURS_WARNS)
