"""Drawings of operations over time."""

from checkers.timeline import Span, draw


def span(process: str, label: str, call: int, ret: int | None = None) -> Span:
    return Span(process=process, label=label, call=call, ret=ret, short=f"op {call}")


def test_what_overlapped_overlaps_in_the_drawing() -> None:
    drawing = draw([span("p0", "write 1", 0, 2), span("p1", "read -> 1", 1, 3)])

    assert drawing.splitlines() == [
        "p0  |--write 1--|",
        "p1   |--read -> 1--|",
    ]


def test_what_came_later_is_drawn_to_the_right_on_the_same_row() -> None:
    drawing = draw([span("p0", "a", 10, 20), span("p0", "b", 30, 40)])

    assert drawing == "p0  |--a--||--b--|"


def test_what_never_returned_reaches_the_right_edge() -> None:
    drawing = draw([span("p0", "a", 0), span("p1", "b", 1, 2), span("p1", "c", 3, 4)])

    assert drawing.splitlines() == [
        "p0  |--a--.........",
        "p1   |--b--||--c--|",
    ]


def test_labels_are_shortened_when_the_line_is_too_long() -> None:
    drawing = draw([span("p0", "x" * 60, 0, 1), span("p0", "y" * 60, 2, 3)], width_max=40)

    assert drawing == "p0  |--op 0--||--op 2--|"


def test_the_earliest_are_left_out_when_even_that_is_too_long() -> None:
    spans = [span("p0", "operation", 2 * n, 2 * n + 1) for n in range(10)]

    drawing = draw(spans, width_max=40)

    assert drawing == "p0  |--op 14--||--op 16--||--op 18--|"


def test_nothing_is_drawn_of_nothing() -> None:
    assert draw([]) == ""
