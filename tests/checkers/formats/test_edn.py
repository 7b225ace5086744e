"""EDN, form by form and fault by fault."""

from decimal import Decimal

import pytest

from checkers.formats.edn import (
    Character,
    EdnError,
    EdnSet,
    Form,
    Keyword,
    Symbol,
    Tagged,
    read_all,
    read_located,
)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("nil", None),
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-12", -12),
        ("+3", 3),
        ("12345678901234567890N", 12345678901234567890),
        ("1.5", 1.5),
        ("-2e3", -2000.0),
        ("1.25M", Decimal("1.25")),
        ("##Inf", float("inf")),
        ("##-Inf", float("-inf")),
        ('""', ""),
        (r'"a\tb\n\"\\"', 'a\tb\n"\\'),
        (r'"\u00e9"', "é"),
        (r'"\ud83d\ude00"', "\U0001f600"),
        ('"two\nlines"', "two\nlines"),
        (r"\a", Character("a")),
        (r"\newline", Character("\n")),
        (r"\u0041", Character("A")),
        (":read", Keyword("read")),
        (":jepsen.history/op", Keyword("jepsen.history/op")),
        ("swap!", Symbol("swap!")),
        ("-", Symbol("-")),
        ("a/b", Symbol("a/b")),
        ("()", ()),
        ("[1 2]", (1, 2)),
        ("(1, 2,)", (1, 2)),
        ("#{1 2}", EdnSet((1, 2))),
        ("{:a 1, :b [2 3]}", {Keyword("a"): 1, Keyword("b"): (2, 3)}),
        ("{[1 2] 3}", {(1, 2): 3}),
        ('#inst "2014-01-01"', Tagged("inst", "2014-01-01")),
        ("#jepsen.history.Op{:index 0}", Tagged("jepsen.history.Op", {Keyword("index"): 0})),
        ("#a #b 1", Tagged("a", Tagged("b", 1))),
        ("#a #_ 1 2", Tagged("a", 2)),
        ("[1 #_ 2 3]", (1, 3)),
        ("[#_ #_ 1 2 3]", (3,)),
        ("[1 #_ [2 #_ 3]]", (1,)),
        ("[1 ; one\n 2]", (1, 2)),
    ],
)
def test_a_form_is_read(text: str, form: Form) -> None:
    assert read_all(text) == [form]


def test_nothing_is_no_form() -> None:
    assert read_all(" ,\n; only a comment") == []


def test_nesting_may_be_deep() -> None:
    assert len(read_all("[" * 50_000 + "]" * 50_000)) == 1


def test_elements_of_a_collection_can_be_read_one_by_one() -> None:
    text = "; history\n[{:a 1}\n\n [2 [3]]\n #_ 4 #t\n 5]\n6"

    assert list(read_located(text, unwrap=True)) == [
        (2, {Keyword("a"): 1}),
        (4, (2, (3,))),
        (5, Tagged("t", 5)),
        (7, 6),
    ]


def test_elements_before_a_fault_are_read() -> None:
    forms = read_located("[1 2", unwrap=True)

    assert [next(forms), next(forms)] == [(1, 1), (1, 2)]
    with pytest.raises(EdnError, match="line 1, column 1: '\\[' is never closed"):
        next(forms)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[1 2", "line 1, column 1: '[' is never closed"),
        ("[1\n {:a [}]", "line 2, column 7: '}' where '[' expects ']'"),
        ("1\n  ]", "line 2, column 3: ']' closes nothing"),
        ("{:a}", "line 1, column 1: a map whose last key has no value"),
        ("{:a 1 :a 2}", "line 1, column 1: a map with the same key twice"),
        ("{{:a 1} 2}", "line 1, column 1: a map with a map in a key; expected plain keys"),
        ("[#_]", "line 1, column 2: '#_' is followed by no form"),
        ("#inst", "line 1, column 1: '#inst' is followed by no form"),
        (' "abc', "line 1, column 2: '\"abc': a string is never closed"),
        (r'"a\qb"', r"line 1, column 3: '\\q' is not an escape"),
        (r'"\ud83d"', "line 1, column 1: half of a surrogate pair"),
        (r"\abc", r"line 1, column 1: '\\abc' is not a character"),
        ("1a", "line 1, column 1: '1a' is neither a number, a keyword nor a symbol"),
        ("012", "line 1, column 1: '012' is neither a number, a keyword nor a symbol"),
        ("-1a", "line 1, column 1: '-1a' is neither a number, a keyword nor a symbol"),
        ("::a", "line 1, column 1: '::a' is neither a number, a keyword nor a symbol"),
        ("[^]", "line 1, column 2: '^' is followed by no form"),
        ("0x", "line 1, column 1: '0x' is neither a number, a keyword nor a symbol"),
        ('#"regex"', "line 1, column 1: '#\"regex\"': cannot be read"),
        ("9" * 4001, "line 1, column 1: a number of over 4000 digits"),
    ],
)
def test_a_fault_is_told_with_its_line_and_column(text: str, says: str) -> None:
    with pytest.raises(EdnError) as caught:
        read_all(text)

    assert str(caught.value) == says


def test_what_clojure_prints_beyond_edn_is_read() -> None:
    assert read_all("0x1F -0xaN ^{:line 3} [1 ^:tag x]") == [31, -10, (1, Symbol("x"))]
