"""Formats are told from content, whatever the file is called."""

from pathlib import Path

import pytest

from checkers.formats.detect import Format, detect, read_history
from checkers.history_file import HistoryFileError

OURS = (
    '{"quorate":"history","version":1,"about":{}}\n'
    '{"index":0,"time":0,"process":1,"type":"invoke","f":"read"}\n'
)
EDN = "; one read\n({:process 1, :type :invoke, :f :read, :value nil})"
LOG = "a banner\nINFO  jepsen.util - 1\t:invoke\t:read\tnil\n"
KV = '{:process 1, :type :invoke, :f :get, :key "0", :value nil}\n'


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "history.txt"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OURS, Format.QUORATE),
        (EDN, Format.JEPSEN_EDN),
        ("{:type :invoke, :process 1, :f :read}", Format.JEPSEN_EDN),
        ("#jepsen.history.Op{:type :invoke, :process 1, :f :read}", Format.JEPSEN_EDN),
        (LOG, Format.JEPSEN_LOG),
        (KV, Format.PORCUPINE_KV),
    ],
)
def test_a_format_is_told_from_content_and_read(
    tmp_path: Path, text: str, expected: Format
) -> None:
    path = file(tmp_path, text)

    history = read_history(path)

    assert detect(path) is expected
    assert [operation.process for operation in history.operations()] == [1]


def test_a_named_format_is_believed(tmp_path: Path) -> None:
    path = file(tmp_path, EDN)

    with pytest.raises(HistoryFileError, match="is not a header"):
        read_history(path, Format.QUORATE)


def test_formats_have_the_names_users_give() -> None:
    assert [str(known) for known in Format] == [
        "etcd-report",
        "quorate",
        "jepsen-edn",
        "jepsen-json",
        "jepsen-log",
        "porcupine-kv",
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is empty; expected a history"),
        (" \n\n", "is empty; expected a history"),
        (
            "verdict: VALID\n",
            (
                "is in no format known here"
                " (etcd-report, quorate, jepsen-edn, jepsen-json, jepsen-log, porcupine-kv);"
                " if it is in one of them, name it"
            ),
        ),
    ],
)
def test_what_is_in_no_known_format_is_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(HistoryFileError) as caught:
        read_history(file(tmp_path, text))

    assert caught.value.message == says


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryFileError, match="none: cannot be opened"):
        read_history(tmp_path / "none")


def test_a_torn_tail_of_our_own_format_may_be_allowed(tmp_path: Path) -> None:
    path = file(tmp_path, OURS + '{"index":1,')

    assert len(read_history(path, allow_torn_tail=True)) == 1
