"""Pages to browse runs with, as a client of HTTP sees them, and as files."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.testclient import TestClient

from harness.errors import UsageError
from harness.report.recorded import load_run
from harness.serve.application import application
from harness.serve.catalogue import UNFINISHED, UNREADABLE, Wanted, list_runs
from harness.serve.export import export
from harness.serve.pair import summary_of
from tests.harness.report import recorded_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of a VALID and an INVALID run, one that was killed, and others' things."""
    folder = tmp_path_factory.mktemp("runs")
    healthy = recorded_runs.healthy_run(folder)
    healthy.rename(folder / "healthy")
    recorded_runs.unlinearizable_run(folder).rename(folder / "broken")
    killed = Path(shutil.copytree(folder / "healthy", folder / "killed"))
    (killed / "results.json").unlink()
    (folder / "newer").mkdir()
    (folder / "newer" / "run.json").write_text('{"quorate":"run","version":99,"started":"x"}')
    (folder / "photos").mkdir()
    return folder


@pytest.fixture
def client(runs: Path) -> Iterator[TestClient]:
    with TestClient(application(runs, ("127.0.0.1",)), base_url="http://127.0.0.1") as client:
        yield client


def names(text: str) -> list[str]:
    return re.findall(r'href="/run/([a-z]+)"', text)


def test_every_run_is_listed_and_what_is_none_is_not(runs: Path) -> None:
    verdicts = {run.name: run.verdict for run in list_runs(runs)}

    assert verdicts == {
        "healthy": "VALID",
        "broken": "INVALID",
        "killed": UNFINISHED,
        "newer": UNREADABLE,
    }


def test_the_list_links_to_reports(client: TestClient) -> None:
    answer = client.get("/")

    assert answer.status_code == 200
    assert sorted(names(answer.text)) == ["broken", "healthy", "killed"]
    assert "has version 99" in answer.text


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("verdict=INVALID", ["broken"]),
        ("workload=register&system=nodeimpl", ["broken", "healthy", "killed"]),
        ("fault=kill", ["healthy", "killed"]),
        ("text=txn-judged", ["broken"]),
        ("text=seed:4+cannot", ["broken"]),
        ("verdict=VALID&fault=clock", []),
    ],
)
def test_filters_choose_among_runs(client: TestClient, query: str, expected: list[str]) -> None:
    assert sorted(names(client.get(f"/?{query}").text)) == expected


def test_a_runs_page_is_its_report(client: TestClient) -> None:
    answer = client.get("/run/broken")

    assert answer.status_code == 200
    assert "clients saw answers that no single copy of the data could have given" in answer.text


def test_two_runs_are_shown_side_by_side(client: TestClient) -> None:
    answer = client.get("/compare?run=healthy&run=broken")

    assert answer.status_code == 200
    assert "txn-judged-afterwards" in answer.text
    assert "longest silence ms" in answer.text


@pytest.mark.parametrize(
    "path",
    ["/run/missing", "/run/newer", "/run/photos", "/run/..", "/run/%2e%2e", "/compare?run=healthy",
     "/compare?run=healthy&run=missing"],
)  # fmt: skip
def test_what_cannot_be_shown_says_so(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert answer.status_code in (200, 404)
    assert answer.status_code == 404 or answer.url.path == "/"


def test_no_place_outside_the_folder_is_read(client: TestClient, runs: Path) -> None:
    outside = runs.parent / "outside"
    shutil.copytree(runs / "healthy", outside)

    for name in ("..%2Foutside", "%2e%2e%2foutside", f"%2F{str(outside).strip('/')}"):
        assert client.get(f"/run/{name}").status_code == 404
    assert client.get("/compare", params={"run": ["healthy", "../outside"]}).status_code == 404


def test_a_name_from_elsewhere_is_not_answered(runs: Path) -> None:
    with TestClient(application(runs, ("127.0.0.1",)), base_url="http://evil.example") as client:
        assert client.get("/").status_code == 400


def test_what_is_shown_is_escaped(tmp_path: Path) -> None:
    odd = tmp_path / "<script>alert(1)</script>".replace("/", "_")
    odd.mkdir()
    (odd / "run.json").write_text("nonsense <script>alert(2)</script>")

    with TestClient(application(tmp_path, ("*",))) as client:
        text = client.get("/", params={"text": '"><script>alert(3)'}).text

    assert "<script>alert" not in text


def test_a_report_is_made_anew_when_its_run_has_changed(client: TestClient, runs: Path) -> None:
    run = Path(shutil.copytree(runs / "healthy", runs / "changing"))
    assert "kept every promise" in client.get("/run/changing").text

    results = msgspec.json.decode((run / "results.json").read_bytes(), type=dict[str, object])
    results["verdict"] = {"checker": "stats", "answer": "UNKNOWN", "reason": "too few"}
    (run / "results.json").write_bytes(msgspec.json.encode(results))

    assert "It is not known whether" in client.get("/run/changing").text
    shutil.rmtree(run)


def test_the_same_pages_are_files(runs: Path, tmp_path: Path) -> None:
    pages = tmp_path / "pages"
    written = {path.relative_to(pages).as_posix() for path in export(runs, pages)}

    reports = {"run/healthy.html", "run/broken.html", "run/killed.html"}
    assert written == reports | {"compare.html", "index.html"}
    index = (pages / "index.html").read_text()
    assert 'href="run/broken.html"' in index
    assert 'action="compare.html"' in index
    assert 'href="/' not in index


def test_a_run_that_cannot_be_read_through_has_a_page_that_says_so(
    runs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(runs / "healthy", folder / "healthy")
    torn = Path(shutil.copytree(runs / "healthy", folder / "torn<b>"))
    (torn / "history.jsonl").write_text("<b>nonsense</b>\n" * 3)

    list(export(folder, tmp_path / "pages"))

    assert "That cannot be shown" in (tmp_path / "pages" / "run" / "torn<b>.html").read_text()
    compared = (tmp_path / "pages" / "compare.html").read_text()
    assert "healthy" in compared
    assert "torn" not in compared


def test_an_empty_folder_says_how_to_fill_it_and_a_missing_one_is_an_error(tmp_path: Path) -> None:
    with TestClient(application(tmp_path, ("*",))) as client:
        assert "There is no run here yet" in client.get("/").text

    with pytest.raises(UsageError, match="no such directory"):
        list_runs(tmp_path / "missing")


def test_an_empty_filter_wants_everything(runs: Path) -> None:
    assert all(Wanted().matches(run) for run in list_runs(runs))


def test_a_summary_has_the_settings_that_were_changed_named_as_in_a_plan(runs: Path) -> None:
    summary = summary_of(load_run(runs / "broken"))

    assert summary.verdict == "INVALID"
    assert summary.settings["mutant"] == "txn-judged-afterwards"
    assert "environment" not in summary.settings, "it is the default"
    assert summary.checks["linearizability"] == "INVALID"
    assert "longest silence ms" in summary.figures
