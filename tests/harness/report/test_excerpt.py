"""Parts of logs around moments."""

from harness.report.excerpt import LINES_AFTER, LINES_BEFORE, Line, Moment, around


def numbered(count: int) -> list[tuple[int | None, str]]:
    """Return lines that were written at 0, 10, 20, ..."""
    return [(10 * number, f"line {number}") for number in range(count)]


def texts(lines: list[Line], kind: str = "") -> list[str]:
    return [line.text for line in lines if line.kind == kind]


def test_lines_before_and_after_a_moment_are_kept_and_the_rest_is_counted() -> None:
    lines = list(around(numbered(100), [Moment(505, "here")]))

    first, *shown, last = lines
    assert first == Line(f"... {51 - LINES_BEFORE} lines", "gap")
    assert last == Line(f"... {49 - LINES_AFTER} lines", "gap")
    assert shown[LINES_BEFORE] == Line("here", "moment")
    assert shown[LINES_BEFORE - 1] == Line("line 50")
    assert shown[LINES_BEFORE + 1] == Line("line 51")
    assert len(shown) == LINES_BEFORE + 1 + LINES_AFTER


def test_moments_near_one_another_share_their_lines() -> None:
    moments = [Moment(505, "first"), Moment(525, "second"), Moment(526, "third")]
    lines = list(around(numbered(100), moments))

    place = lines.index(Line("first", "moment"))
    assert [line.text for line in lines[place : place + 5]] == [
        "first", "line 51", "line 52", "second", "third",
    ]  # fmt: skip
    assert len(texts(lines, "gap")) == 2
    shown = texts(lines)
    assert shown == [f"line {number}" for number in range(51 - LINES_BEFORE, 53 + LINES_AFTER)]


def test_lines_between_moments_far_apart_are_counted() -> None:
    lines = list(around(numbered(200), [Moment(505, "first"), Moment(1505, "second")]))

    between = 100 - LINES_AFTER - LINES_BEFORE
    assert texts(lines, "gap")[1] == f"... {between} lines"


def test_every_line_is_shown_or_counted() -> None:
    for count in (0, 1, LINES_BEFORE, LINES_BEFORE + 1, 60, 200):
        for moments in ([Moment(5, "a")], [Moment(5, "a"), Moment(900, "b")], [Moment(9999, "a")]):
            lines = list(around(numbered(count), moments))
            counted = sum(int(text.split()[1]) for text in texts(lines, "gap"))
            assert counted + len(texts(lines)) == count
            assert texts(lines, "moment") == [moment.text for moment in moments]


def test_a_line_of_the_very_time_comes_before_the_moment_and_one_without_a_time_first() -> None:
    lines = list(around([(None, "unknown"), (10, "at"), (11, "after")], [Moment(10, "moment")]))

    assert [line.text for line in lines] == ["unknown", "at", "moment", "after"]
