"""Watches of etcd's robustness reports, judged by the guarantees of watches."""

import json
from pathlib import Path

import pytest

from checkers.checker import Budget
from checkers.formats.detect import read_history
from checkers.formats.etcd_report_watch import NOT_JUDGED, read_watches
from checkers.history_file import HistoryFileError
from checkers.verdict import Answer
from checkers.watch.checker import GUARANTEES, WatchChecker
from checkers.watch_history import Create, Delivery, EventKind, Progress

Json = dict[str, object]
KEYS = ("a", "b", "a", "b")
"""Put at revisions 2, 3, 4 and 5."""


def event(revision: int) -> Json:
    key, value = KEYS[revision - 2], {"Value": f"v{revision}"}
    return {"Type": "put-operation", "Key": key, "Value": value, "Revision": revision}


def response(*revisions: int, header: int | None = None) -> Json:
    return {
        "Events": [event(revision) for revision in revisions],
        "Revision": header or max(revisions),
        "Time": 1000 * max(revisions),
    }


def bookmark(revision: int) -> Json:
    return {"Events": None, "IsProgressNotify": True, "Revision": revision, "Time": 9000}


def watch(*responses: Json, key: str = "", revision: int = 0, prefix: bool = True) -> Json:
    request = {"Key": key, "Revision": revision, "WithPrefix": prefix}
    return {"Request": request, "Responses": list(responses)}


def report(folder: Path, *watches: Json) -> Path:
    """Write a report of four puts and these watches."""
    (folder / "client-1").mkdir()
    (folder / "client-2").mkdir()
    lines = [
        {
            "ClientId": 1,
            "Input": {
                "Type": "txn",
                "Txn": {
                    "OperationsOnSuccess": [
                        {
                            "Type": "put-operation",
                            "Put": {"Key": key, "Value": {"Value": f"v{revision}"}},
                        }
                    ]
                },
            },
            "Call": 1000 * revision - 10,
            "Output": {"Txn": {"Results": [{}]}, "Revision": revision},
            "Return": 1000 * revision + 10,
        }
        for revision, key in enumerate(KEYS, start=2)
    ]
    (folder / "client-1" / "operations.json").write_text(
        "".join(json.dumps(x) + "\n" for x in lines)
    )
    text = "".join(json.dumps(each) + "\n" for each in watches)
    (folder / "client-2" / "watch.json").write_text(text)
    return folder


def convicted(path: Path) -> list[str]:
    checker = WatchChecker(records=read_watches(path), compacts_itself=True, left_out=NOT_JUDGED)
    verdict = checker.check(read_history(path), Budget())
    assert verdict.answer is not Answer.UNKNOWN, verdict.reason
    return [leaf.checker for leaf in verdict.leaves() if leaf.answer is Answer.INVALID]


def test_faithful_watches_are_valid(tmp_path: Path) -> None:
    path = report(
        tmp_path,
        watch(response(2), response(3, 4), response(5), bookmark(5)),
        watch(response(3), response(5), key="b", revision=3, prefix=False),
        watch(),
    )

    assert convicted(path) == []


@pytest.mark.parametrize(
    ("responses", "name"),
    [
        ((response(2), response(3), response(5)), "watch-reliable"),
        ((response(2), response(3), response(3), response(4, 5)), "watch-unique"),
        ((response(2), response(4), response(3, header=4), response(5)), "watch-ordered"),
        ((response(2), bookmark(4), response(3, 4, 5)), "watch-bookmarkable"),
    ],
)
def test_each_broken_guarantee_is_named(
    tmp_path: Path, responses: tuple[Json, ...], name: str
) -> None:
    assert name in convicted(report(tmp_path, watch(*responses)))


def test_an_event_that_nobody_wrote_is_convicted(tmp_path: Path) -> None:
    forged = response(3)
    forged["Events"] = [event(3) | {"Value": {"Value": "forged"}}]

    assert "watch-truthful" in convicted(report(tmp_path, watch(response(2), forged)))


def test_events_outside_a_prefix_are_convicted(tmp_path: Path) -> None:
    assert "watch-filter" in convicted(report(tmp_path, watch(response(2, 3), key="a")))


def test_an_event_before_the_start_is_convicted(tmp_path: Path) -> None:
    assert "watch-start" in convicted(report(tmp_path, watch(response(2), revision=3)))


def test_records_say_what_the_report_says(tmp_path: Path) -> None:
    deletion = {"Type": "delete-operation", "Key": "a", "Revision": 2}
    told = {"Events": [deletion], "Revision": 7, "Time": 5}
    ended = {"Error": "etcdserver: required revision has been compacted", "Time": 9}

    records = read_watches(report(tmp_path, watch(told, ended, bookmark(9), key="a")))

    create, _, delivery, _ = records
    assert isinstance(create, Create)
    assert (create.key, create.range_end) == ("a", "b")
    assert isinstance(delivery, Delivery)
    assert (delivery.revision, delivery.time) == (7, 5)
    assert delivery.events[0].kind is EventKind.DELETE
    assert not [record for record in records if isinstance(record, Progress)]


def test_a_line_that_is_no_watch_is_told_with_its_number(tmp_path: Path) -> None:
    path = report(tmp_path, watch(response(2)))
    file = path / "client-2" / "watch.json"
    file.write_text(file.read_text() + '{"Responses": 3}\n')

    with pytest.raises(HistoryFileError, match=r"watch\.json:2: is not"):
        read_watches(path)


def test_what_is_left_out_are_guarantees() -> None:
    assert set(NOT_JUDGED) < {name for name, _ in GUARANTEES}
