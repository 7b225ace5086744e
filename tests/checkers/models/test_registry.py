"""Models by name and initial values from text."""

import pytest

from checkers.models.cas_register import CasRegister
from checkers.models.kv import Kv
from checkers.models.model import ModelError
from checkers.models.multi_register import MultiRegister
from checkers.models.mutex import Mutex, OwnerMutex
from checkers.models.queue import FifoQueue, UnorderedQueue
from checkers.models.register import Register
from checkers.models.registry import KnownModel, model_named, model_names
from checkers.models.set import ElementSet


@pytest.mark.parametrize("name", model_names())
def test_a_model_is_called_what_it_is_found_by(name: str) -> None:
    assert model_named(name).name == name


@pytest.mark.parametrize(
    ("name", "initial", "expected"),
    [
        ("register", None, Register(None)),
        ("register", "nil", Register(None)),
        ("register", "null", Register(None)),
        ("register", "0", Register(0)),
        ("register", '"0"', Register("0")),
        ("register", "red", Register("red")),
        ("cas-register", "[1, 2]", CasRegister((1, 2))),
        ("multi-register", None, MultiRegister()),
        ("multi-register", "x=0,y=0", MultiRegister((("x", 0), ("y", 0)))),
        ("multi-register", "y=b, x=nil", MultiRegister((("y", "b"),))),
        ("multi-register", '{"y": 1, "x": 0}', MultiRegister((("x", 0), ("y", 1)))),
        ("kv", None, Kv("")),
        ("kv", "12", Kv("12")),
        ("mutex", "held", Mutex(initial=True)),
        ("mutex", "free", Mutex()),
        ("owner-mutex", "a", OwnerMutex(initial=("a", 1))),
        ("reentrant-mutex", "free", OwnerMutex(reentrant=True)),
        ("fifo-queue", "[1, 2]", FifoQueue((1, 2))),
        ("unordered-queue", "[1, 1]", UnorderedQueue((frozenset({(1, 2)}), 0))),
        ("set", "[1, 2]", ElementSet(frozenset({1, 2}))),
    ],
)
def test_initial_values_are_read_from_text(
    name: str, initial: str | None, expected: KnownModel
) -> None:
    assert model_named(name, initial) == expected


def test_an_unknown_name_is_refused_with_the_nearest_and_all_names() -> None:
    with pytest.raises(ModelError) as refusal:
        model_named("mutx")

    assert str(refusal.value) == (
        "no model is called 'mutx'; did you mean 'mutex'?"
        " (known: cas-register, fifo-queue, kv, multi-register, mutex, owner-mutex,"
        " reentrant-mutex, register, set, unordered-queue)"
    )


def test_a_name_like_no_other_is_refused_without_a_guess() -> None:
    with pytest.raises(ModelError, match=r"^no model is called 'zzz' \(known: "):
        model_named("zzz")


@pytest.mark.parametrize(
    ("name", "initial", "expected"),
    [
        ("multi-register", "7", "a multi-register starts as 'x=0,y=0'"),
        ("multi-register", "x", "a multi-register starts as 'x=0,y=0'"),
        ("mutex", "open", "a mutex starts as 'free' or 'held', not as 'open'"),
        ("set", "{}", "a set starts as a JSON list"),
    ],
)
def test_an_impossible_start_is_refused(name: str, initial: str, expected: str) -> None:
    with pytest.raises(ModelError, match=expected):
        model_named(name, initial)
