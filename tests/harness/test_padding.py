"""Large values, short in a history and whole at the store."""

import pytest

from harness.padding import shown, stored, with_length


@pytest.mark.parametrize("text", ["", "7", "7~100", "~3", "a.b", "7~0", "7~x", "é~50", "1~2~30"])
def test_what_is_stored_is_shown_as_it_was_written(text: str) -> None:
    assert shown(stored(text)) == text


def test_a_long_value_has_the_length_that_it_says() -> None:
    assert with_length("17", 8192) == "17~8192"
    assert len(stored("17~8192")) == 8192
    assert stored("17~8192").startswith(b"17~8192...")
    assert with_length("17", 0) == "17"


def test_a_value_longer_than_it_says_is_sent_as_it_is() -> None:
    assert stored("12345~3") == b"12345~3"


@pytest.mark.parametrize(
    "received", [b"17~100", stored("17~100")[:-1], stored("17~100") + b".", b"17~100" + b"." * 50]
)
def test_what_a_store_cut_or_lengthened_is_not_taken_for_the_whole(received: bytes) -> None:
    assert shown(received) != "17~100"


def test_bytes_that_are_no_text_are_shown() -> None:
    assert shown(b"\xff~9") == "literal:\\xff~9"
    assert shown(b"\xff") == "\\xff"
