"""The page of a report: what it says, and that it is whole in itself."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markupsafe import escape
from typing_extensions import override

from harness.errors import RunDirectoryError
from harness.report.page import embedded, report_html
from harness.report.recorded import convictions_of, load_run
from harness.report.sentence import headline


class Outline(HTMLParser):
    """Collects what a page would fetch, and its text outside scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.words: list[str] = []
        self._silent = 0

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in {"script", "style"}
        self.fetched += [
            value or "" for name, value in attrs if name in {"src", "href"} and value != "data:,"
        ]

    @override
    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in {"script", "style"}

    @override
    def handle_data(self, data: str) -> None:
        if not self._silent:
            self.words.append(data)

    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def outline(path: Path) -> Outline:
    parser = Outline()
    parser.feed(report_html(load_run(path)))
    return parser


def test_nothing_is_fetched(healthy: Path) -> None:
    html = report_html(load_run(healthy))

    assert outline(healthy).fetched == []
    assert "url(" not in html
    assert "@import" not in html


def test_a_valid_run_is_said_to_have_kept_its_promises_and_shows_an_order(healthy: Path) -> None:
    text = outline(healthy).text()

    assert "nodeimpl kept every promise that was checked" in text
    assert "one order of its operations that a single register could have carried out" in text
    assert f"quorate replay {healthy}" in text


def test_a_conviction_comes_with_its_core_and_where_the_search_got_stuck(
    unlinearizable: Path,
) -> None:
    text = outline(unlinearizable).text()

    assert "clients saw answers that no single copy of the data could have given" in text
    assert re.search(r"cas \d to \d refused: compare failed", text)
    assert re.search(r"Where the search for an order got stuck .*\(op \d+\)", text)
    assert re.search(r"which rules out .* → ", text)


def test_every_conviction_says_why_and_none_says_it_twice(wrong_revisions: Path) -> None:
    html = report_html(load_run(wrong_revisions))

    convictions = convictions_of(load_run(wrong_revisions).verdict)
    reasons = [str(escape(leaf.reason)) for leaf in convictions]
    before_the_history = html.split('id="history-title"')[0]
    assert len(reasons) > 1
    for reason in reasons:
        assert f"{reason}</p>" in before_the_history
        assert f'<pre class="story">{reason}</pre>' not in html


def test_revisions_that_contradict_one_another_are_in_the_table(wrong_revisions: Path) -> None:
    text = outline(wrong_revisions).text()

    assert re.search(r"The contradiction is about revision \d+", text)
    assert "revisions or versions of keys contradict one another" in text


def test_watch_streams_are_drawn_where_somebody_watched(healthy: Path, lying_watches: Path) -> None:
    assert 'id="watches"' in report_html(load_run(lying_watches))
    assert 'id="watches"' not in report_html(load_run(healthy))
    assert headline(load_run(lying_watches)).endswith(
        "a watch did not tell the truth about what happened."
    )


def test_a_breach_of_raft_shows_what_the_nodes_did_around_it(against_raft: Path) -> None:
    text = outline(against_raft).text()

    assert "a node broke a rule that Raft's safety rests on" in text
    assert "What the nodes did around 3.139 s" in text
    assert "votes in term 3 for n6" in text


def test_operations_in_conflict_stand_among_what_the_nodes_did(unlinearizable: Path) -> None:
    html = report_html(load_run(unlinearizable))
    moments = re.findall(r'<span class="moment">\s+([\d.]+) &gt;&gt;&gt; (op \d+),', html)

    assert len(moments) == 4, "two operations, each asked and answered"
    assert [float(at) for at, _ in moments] == sorted(float(at) for at, _ in moments)


def test_the_data_is_json_whatever_strings_are_in_it() -> None:
    text = embedded({"evil": "</script><script>alert(1)</script><!--"})

    assert "<" not in text
    assert json.loads(text)["evil"].startswith("</script>")


def test_every_operation_is_in_the_data(healthy: Path) -> None:
    html = report_html(load_run(healthy))
    found = re.search(r'id="run-data">(.*?)</script>', html, re.DOTALL)
    assert found is not None
    operations = json.loads(found[1])["operations"]

    asked = len(load_run(healthy).history.operations())
    columns = ("lane", "process", "call", "took", "outcome", "f", "node", "index", "asked")
    assert {len(operations[column]) for column in columns} == {asked}


def test_a_run_without_results_is_judged_anew(healthy: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(healthy, tmp_path / "killed"))
    (run / "results.json").unlink()

    text = outline(run).text()

    assert "The run did not reach its end" in text
    assert "VALID" in text


def test_loading_names_the_file_that_is_missing(healthy: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(healthy, tmp_path / "partial"))
    (run / "run.json").unlink()

    with pytest.raises(RunDirectoryError, match=r"no run\.json"):
        load_run(run)
