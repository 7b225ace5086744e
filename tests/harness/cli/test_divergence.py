"""`quorate replay --diverge`, and the comparison of draws."""

from pathlib import Path
from random import Random

from harness.cli.divergence import DrawFile, compare
from harness.environments.simulation.streams import Streams
from tests.harness.cli.conftest import SHORT, Quorate


def test_a_deterministic_run_draws_the_same_in_both_processes(quorate: Quorate) -> None:
    run = quorate("run", *SHORT).line("run")

    done = quorate("replay", "--diverge", run)

    assert done.code == 0
    assert "no draw differs" in done.out


def test_being_told_of_draws_changes_none_of_them() -> None:
    told: list[tuple[str, float]] = []
    streams = Streams(7, lambda name, drawn: told.append((name, drawn)))
    stream, plain = streams.named("x"), Random("7/x")

    drawn = [stream.random(), stream.randint(1, 100), stream.expovariate(1.0)]

    assert drawn == [plain.random(), plain.randint(1, 100), plain.expovariate(1.0)]
    assert {name for name, _ in told} == {"x"}


def test_the_first_draw_that_differs_is_shown_with_what_came_before(tmp_path: Path) -> None:
    for name, last in (("one", 0.5), ("other", 0.75)):
        file = DrawFile(tmp_path / name)
        file.on_draw("disk/n1", 0.25)
        file.on_draw("network/n1>n2", last)
        file.close()

    said = compare(tmp_path / "one", tmp_path / "other")

    assert said.startswith("draw 2 is the first that differs")
    assert "disk/n1 0.25" in said
    assert "network/n1>n2 0.5" in said
    assert "network/n1>n2 0.75" in said


def test_a_process_that_draws_less_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("a 0.5\na 0.25\n")
    (tmp_path / "other").write_text("a 0.5\n")

    assert "nothing more" in compare(tmp_path / "one", tmp_path / "other")
