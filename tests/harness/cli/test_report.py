"""`quorate report`: what it writes, and how it fails."""

import shutil
from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate
from tests.harness.report import recorded_runs


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the directory of a VALID run."""
    return recorded_runs.healthy_run(tmp_path_factory.mktemp("healthy"))


def test_the_command_writes_the_page_and_says_where(quorate: Quorate, healthy: Path) -> None:
    done = quorate("report", str(healthy), "--out", "page.html")

    assert done.code == 0
    assert done.line("report") == "page.html"
    assert Path("page.html").read_text().startswith("<!doctype html>")


def test_the_command_draws_plots(quorate: Quorate, healthy: Path) -> None:
    done = quorate("report", str(healthy), "--out", "page.html", "--plots", "plots")

    assert done.code == 0
    names = {path.name for path in Path("plots").iterdir()}
    assert names == {
        f"{name}.{kind}" for name in ("latency", "rate", "timeline") for kind in ("png", "svg")
    }
    assert Path("plots/latency.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.json", b'{"quorate":"run","version":99,"started":"x"}', "has version 99"),
        ("run.json", b"nonsense", "not the header of a run"),
        ("results.json", b'{"verdict":{"checker":"x","answer":"MAYBE"}}', "'MAYBE' is no answer"),
        ("results.json", b'{"verdict":7}', "not the results of a run"),
        ("results.json", b'{"verdict":{"checker":"x","answer":"INVALID"}}', "and not why"),
        ("history.jsonl", b"nonsense\n", "history.jsonl:1"),
        ("schedule.json", b'{"v":99}', "version 99"),
        ("plan.toml", b"nodes = 'three'", "plan.toml:1"),
    ],
)
def test_what_cannot_be_read_is_named_with_exit_code_64(
    quorate: Quorate, healthy: Path, tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    run = Path(shutil.copytree(healthy, tmp_path / "spoilt"))
    (run / name).write_bytes(content)

    done = quorate("report", str(run))

    assert done.code == 64
    assert message in done.err
    assert len(done.err.splitlines()) == 1


def test_a_foreign_directory_is_refused(quorate: Quorate, tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()

    done = quorate("report", "photos")

    assert done.code == 64
    assert "is not a run directory" in done.err


def test_a_report_that_cannot_be_written_is_our_failure(quorate: Quorate, healthy: Path) -> None:
    done = quorate("report", str(healthy), "--out", "/dev/full")

    assert done.code == 3
    assert "cannot write the report" in done.err
