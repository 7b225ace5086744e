"""What a person may have meant."""

from harness.suggest import LISTED_MAX, did_you_mean


def test_the_nearest_word_is_offered() -> None:
    assert did_you_mean("registr", ["kv", "register"]) == "; did you mean 'register'?"


def test_a_few_words_are_listed_and_of_many_it_is_said_where() -> None:
    assert did_you_mean("zzz", ["kv", "append"]) == "; there are: append, kv"
    many = [f"bug{number}" for number in range(LISTED_MAX + 1)]
    assert did_you_mean("zzz", many) == f"; quorate list has all {LISTED_MAX + 1}"
