"""`quorate check` of damaged files: a verdict, or one clear line and exit 64; nothing else."""

import io
import shutil
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checkers.formats.detect import Format
from harness.cli import main
from tests.harness.cli.conftest import Quorate

SAMPLES: dict[Format, bytes] = {
    Format.QUORATE: b"""\
{"quorate":"history","version":1,"about":{"seed":1}}
{"index":0,"time":5,"process":0,"type":"invoke","f":"write","key":"x","value":1,"node":"n1"}
{"index":1,"time":7,"process":1,"type":"invoke","f":"read","key":"x"}
{"index":2,"time":8,"process":0,"type":"ok","f":"write","key":"x","value":1,"node":"n1"}
{"index":3,"time":9,"process":1,"type":"ok","f":"read","key":"x","value":1}
{"index":4,"time":9,"process":"nemesis","type":"info","f":"kill","value":["n1"]}
""",
    Format.JEPSEN_EDN: b"""\
; a run
{:index 0, :time 3, :type :invoke, :process 0, :f :txn, :value [[:append 1 1] [:r "k" nil]]}
{:index 1, :time 4, :type :ok, :process 0, :f :txn, :value [[:append 1 1] [:r "k" []]]}
#jepsen.history.Op{:index 2, :time 5, :type :invoke, :process 1, :f :txn, :value [[:r 1 nil]]}
{:index 3, :time 6, :type :ok, :process 1, :f :txn,
 :value [[:r 1 [1]]], :note #{"a \\"b\\"" \\c 1.5M}}
""",
    Format.JEPSEN_JSON: b"""\
[{"index":0,"process":0,"type":"invoke","f":"txn","value":[["append",1,1],["r",2,null]]},
{"index":1,"process":0,"type":"ok","f":"txn","value":[["append",1,1],["r",2,[]]]},
{"index":2,"process":1,"type":"invoke","f":"txn","value":[["r",1,null]]},
{"index":3,"process":1,"type":"ok","f":"txn","value":[["r",1,[1]]]}]
""",
    Format.JEPSEN_LOG: b"""\
WARN  jepsen.core - starting
INFO  jepsen.util - 0\t:invoke\t:write\t3
INFO  jepsen.util - 1\t:invoke\t:cas\t[3 4]
INFO  jepsen.util - 0\t:ok\t:write\t3
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 2\t:invoke\t:read\tnil
INFO  jepsen.util - 2\t:ok\t:read\t4
""",
    Format.PORCUPINE_KV: b"""\
{:process 0, :type :invoke, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :invoke, :f :get, :key "0", :value nil}
{:process 0, :type :ok, :f :append, :key "0", :value "x 0 0 y"}
{:process 1, :type :ok, :f :get, :key "0", :value "x 0 0 y"}
""",
}
REPORT: dict[str, bytes] = {
    "client-1/operations.json": b"""\
{"ClientId":1,"Input":{"Type":"txn","Txn":{"OperationsOnSuccess":[{"Type":"put-operation",\
"Put":{"Key":"x","Value":{"Value":"a"}}}]}},"Call":10,"Output":{"Txn":{"Results":[{}]},\
"Revision":2},"Return":20}
{"ClientId":1,"Input":{"Type":"range","Range":{"Start":"x"}},"Call":30,"Output":{"Range":{"KVs":\
[{"Key":"x","Value":{"Value":"a"},"ModRevision":2}],"Count":1},"Revision":2},"Return":40}
""",
    "client-2/watch.json": b"""\
{"Request":{"Key":"","WithPrefix":true},"Responses":[{"Events":[{"Type":"put-operation",\
"Key":"x","Value":{"Value":"a"},"Revision":2,"IsCreate":true}],"Revision":2,"Time":25}]}
""",
}
BYTES = st.integers(0, 255)
ANY_SAMPLE = st.sampled_from(sorted(SAMPLES.values()))
EXAMPLES = 120


def cut(content: bytes, at: int) -> bytes:
    """Return the beginning of `content`, of a length that `at` says."""
    return content[: at % (len(content) + 1)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Draw a sample that is cut, has bytes replaced, and goes on with the end of another."""
    content = bytearray(draw(ANY_SAMPLE))
    for _ in range(draw(st.integers(0, 3))):
        content[draw(st.integers(0, len(content) - 1))] = draw(BYTES)
    content = bytearray(cut(bytes(content), draw(st.integers(1, 10_000)) - 1))
    if draw(st.booleans()):
        other = draw(ANY_SAMPLE)
        content += other[draw(st.integers(0, len(other))) :]
    return bytes(content)


def outcome(*arguments: str) -> tuple[int, str, str]:
    """Return exit code, output and errors of `quorate check ARGUMENTS`."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as exit_:
        main(["check", *arguments])
    code = exit_.value.code
    assert isinstance(code, int)
    return code, out.getvalue(), err.getvalue()


def assert_clear(path: Path, *options: str) -> None:
    """Assert that the file is judged, or refused in one line that names it."""
    code, _, err = outcome(*options, "--steps", "2000", str(path))
    assert code in {0, 1, 2, 64}, err
    assert code != 64 or (err.count("\n") == 1 and err.startswith(f"quorate: {path}")), err
    assert code == 64 or not err


@pytest.mark.parametrize("file_format", SAMPLES)
def test_whole_samples_are_judged(tmp_path: Path, file_format: Format) -> None:
    path = tmp_path / "history"
    path.write_bytes(SAMPLES[file_format])

    code, out, err = outcome(str(path))

    assert (code, err) == (0, ""), out


@settings(max_examples=EXAMPLES)
@given(damaged())
def test_damaged_files_are_judged_or_refused_in_one_line(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "history")
        path.write_bytes(content)

        assert_clear(path)


@settings(max_examples=EXAMPLES)
@given(damaged(), st.sampled_from(Format))
def test_damaged_files_said_to_be_in_some_format(content: bytes, file_format: Format) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "history")
        path.write_bytes(content)

        assert_clear(path, "--format", file_format.value)


@pytest.mark.parametrize("file_format", SAMPLES)
def test_files_cut_anywhere_are_judged_or_refused(tmp_path: Path, file_format: Format) -> None:
    content = SAMPLES[file_format]
    path = tmp_path / "history"
    for length in range(0, len(content), 7):
        path.write_bytes(content[:length])
        assert_clear(path)


@settings(max_examples=EXAMPLES)
@given(st.sampled_from(sorted(REPORT)), st.integers(0, 10_000), st.integers(0, 10_000), BYTES)
def test_damaged_reports_are_judged_or_refused(name: str, end: int, place: int, byte: int) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "report")
        for each, whole in REPORT.items():
            (path / each).parent.mkdir(parents=True)
            (path / each).write_bytes(whole)
        content = bytearray(REPORT[name])
        content[place % len(content)] = byte
        (path / name).write_bytes(cut(bytes(content), end))

        assert_clear(path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        b"\x00" * 1000,
        b"\x7fELF\x02\x01\x01\x00" + bytes(range(256)),
        b"\xff\xfe{\x00",
    ],
)
def test_what_is_no_history_is_refused_in_one_line(quorate: Quorate, content: bytes) -> None:
    Path("history").write_bytes(content)

    done = quorate("check", "history")

    assert done.code == 64
    assert done.err.startswith("quorate: history: ")
    assert done.err.count("\n") == 1


def test_a_directory_without_a_history_is_refused_in_one_line(quorate: Quorate) -> None:
    Path("empty").mkdir()

    done = quorate("check", "empty")

    assert done.code == 64
    assert done.err.startswith("quorate: empty")
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("file_format", Format)
def test_a_directory_is_no_file_of_any_format(quorate: Quorate, file_format: Format) -> None:
    Path("client-1").mkdir()
    Path("client-1", "operations.json").mkdir()  # a report, by its names

    done = quorate("check", "--format", file_format.value, ".")

    assert done.code == 64
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("file_format", SAMPLES)
def test_one_giant_line_is_refused_with_its_number(quorate: Quorate, file_format: Format) -> None:
    Path("history").write_bytes(SAMPLES[file_format] + b"x" * (17 * 1024 * 1024))

    done = quorate("check", "history")

    number = SAMPLES[file_format].count(b"\n") + 1
    assert done.code == 64
    assert f"history:{number}: is longer than 16777216 bytes" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("opening", "says"), [(b'"', "a string of over"), (b"{:a [", "is not closed within")]
)
def test_what_is_never_closed_is_refused_before_all_is_read(
    quorate: Quorate, opening: bytes, says: str
) -> None:
    line = b":type :ok, :process 0, :f :read, :value [:" + b"n" * 1000 + b"]\n"
    Path("history").write_bytes(b"{:type :invoke, :f :read} " + opening + line * 4_500)

    done = quorate("check", "--format", "jepsen-edn", "history")

    assert done.code == 64
    assert done.err.startswith("quorate: history:1: is not EDN at column")
    assert says in done.err


def test_every_format_has_a_sample() -> None:
    assert set(SAMPLES) | {Format.ETCD_REPORT} == set(Format)


def test_a_whole_report_is_judged(tmp_path: Path) -> None:
    for name, content in REPORT.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(content)

    assert outcome(str(tmp_path))[0] == 0
    shutil.rmtree(tmp_path / "client-2")
    assert outcome(str(tmp_path))[0] == 0
