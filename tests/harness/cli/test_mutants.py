"""`quorate mutants` and `quorate run --swarm`."""

import json

from tests.harness.cli.conftest import Quorate


def test_the_table_says_who_convicted_and_the_exit_code_that_all_were(quorate: Quorate) -> None:
    outcome = quorate("mutants", "vote-not-persisted", "--seeds", "20", "--jobs", "1")
    assert outcome.code == 0
    assert "Persistence (Raft §5.2)" in outcome.out
    assert "1 of 1 convicted: 1 by the swarm" in outcome.out


def test_a_mutant_that_got_away_is_exit_code_1(quorate: Quorate) -> None:
    outcome = quorate("mutants", "duplicate-votes-counted", "--seeds", "1", "--jobs", "1")
    assert outcome.code == 1
    assert "NOT CONVICTED" in outcome.out


def test_json_is_a_list_of_hunts(quorate: Quorate) -> None:
    outcome = quorate("mutants", "vote-not-persisted", "--seeds", "20", "--jobs", "1", "--json")
    [hunted] = json.loads(outcome.out)
    assert set(hunted) == {"name", "convicted", "by", "convicted_by", "seeds", "cpu_seconds"}
    assert (hunted["name"], hunted["convicted"], hunted["by"]) == (
        "vote-not-persisted",
        True,
        "swarm",
    )


def test_an_unknown_mutant_is_bad_usage(quorate: Quorate) -> None:
    outcome = quorate("mutants", "vote-not-persistet")
    assert outcome.code == 64
    assert "did you mean 'vote-not-persisted'?" in outcome.err


def test_a_seed_of_the_swarm_is_repeated_by_run(quorate: Quorate) -> None:
    options = ("run", "--swarm", "--seed", "3")
    once, again = quorate(*options), quorate(*options)
    assert once.line("digest") == again.line("digest")


def test_what_is_given_counts_more_than_what_the_swarm_draws(quorate: Quorate) -> None:
    outcome = quorate("run", "--swarm", "--seed", "3", "--nodes", "2", "--time-limit", "1")
    assert "  2 nodes," in outcome.out
