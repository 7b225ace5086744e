"""Files that mean to be misread: odd values, odd layouts, and what is almost a history.

Each is judged as what it says, or refused in one line, with exit code 64.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate

EDN = """\
{:process 0, :type :invoke, :f :write, :value WRITTEN}
{:process 0, :type :ok, :f :write, :value WRITTEN}
{:process 1, :type :invoke, :f :read, :value nil}
{:process 1, :type :ok, :f :read, :value SEEN}
"""
JSON = """\
{"process":0,"type":"invoke","f":"write","value":WRITTEN}
{"process":0,"type":"ok","f":"write","value":WRITTEN}
{"process":1,"type":"invoke","f":"read","value":null}
{"process":1,"type":"ok","f":"read","value":SEEN}
"""
LOG = """\
INFO  jepsen.util - 0\t:invoke\t:write\tWRITTEN
INFO  jepsen.util - 0\t:ok\t:write\tWRITTEN
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - 1\t:ok\t:read\tSEEN
"""
HUGE = "1" + 30 * "0"

EQUAL = [
    ("-5", "-5"), ("-0", "0"), ("+5", "5"), ("7N", "7"), (HUGE, HUGE), ("2/4", "1/2"), ("4/2", "2"),
    ("##NaN", "##NaN"), ("##-Inf", "##-Inf"), ("1.50M", "1.5M"), ("0.1M", "0.1"), ("1e3", "1000"),
    ("1.10000000000000000000001M", "1.100000000000000000000010M"), ("#{1 2}", "#{2 1}"),
    ("#{[1] #{2 3}}", "#{#{3 2} [1]}"), ("{:a {:b #{1 2}}}", "{:a {:b #{2 1}}}"),
    ("{:a 1, :b 2}", "{:b 2 :a 1}"), ("(1 2)", "[1, 2]"), ("\\u0041", "\\A"),
    ('"é漢😀"', '"é漢😀"'), ('"\\ud83d\\ude00"', '"😀"'), ("#_2 1", "1"), ("#_ #_ 2 #{3} 1", "1"),
    ("^{:line 3} [1]", "[1]"),
    ('#inst "2020-01-01"', '#inst "2020-01-01"'), ("#my/tag {:x 1}", "#my/tag {:x 1}"),
    ("{[1 2] 3}", "{[1 2] 3}"), ("a/b", "a/b"),
]  # fmt: skip
DIFFERENT = [
    ("-5", "5"), (HUGE, HUGE[:-1] + "1"), ("18446744073709551616", "18446744073709551617"),
    ("9007199254740993", "9007199254740992"), ("1/2", "1/3"), ("##Inf", "##-Inf"),
    ("1.10000000000000000000001M", "1.10000000000000000000002M"), ("#{1 2}", "#{1 3}"),
    ("{:a {:b 1}}", "{:a {:b 2}}"), ("\\a", "\\b"), ('"é"', '"e\u0301"'), ("[1 nil]", "[1]"),
    ('#inst "2020-01-01"', '#inst "2021-01-01"'),
]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "seen", "code"),
    [(*pair, 0) for pair in EQUAL] + [(*pair, 1) for pair in DIFFERENT],
)
@pytest.mark.parametrize("template", [EDN, LOG], ids=["edn", "log"])
def test_a_value_of_edn_is_itself_and_no_other(
    template: str, written: str, seen: str, code: int, quorate: Quorate
) -> None:
    Path("history").write_text(template.replace("WRITTEN", written).replace("SEEN", seen))

    done = quorate("check", "history")

    assert (done.code, done.err) == (code, "")


@pytest.mark.parametrize(
    ("written", "seen", "code"),
    [
        ("-5", "-5", 0), (HUGE, HUGE, 0), (HUGE, HUGE[:-1] + "1", 1), ("1e2", "100", 0),
        ('{"a":{"b":[1]}}', '{"a": {"b": [1]}}', 0), ('{"a":1,"b":2}', '{"b":2,"a":1}', 0),
        ('"\\u00e9"', '"é"', 0), ('"\\ud83d\\ude00"', '"😀"', 0), ("[]", "[0]", 1),
    ],
)  # fmt: skip
def test_a_value_of_json_is_itself_and_no_other(
    written: str, seen: str, code: int, quorate: Quorate
) -> None:
    Path("history").write_text(JSON.replace("WRITTEN", written).replace("SEEN", seen))

    done = quorate("check", "history")

    assert (done.code, done.err) == (code, "")


LAYOUTS: dict[str, Callable[[str], str]] = {
    "a brace and blanks": lambda text: text.replace("{:", "{ \n, :"),
    "one token on each line": lambda text: text.replace(" ", "\n"),
    "nothing between maps": lambda text: text.replace("\n", ""),
    "commas only": lambda text: text.replace(" ", ","),
    "line ends of old": lambda text: text.replace("\n", "\r"),
    "metadata": lambda text: text.replace("{:", "^{:a 1} {:"),
    "tags": lambda text: text.replace("{:", "#jepsen.history.Op {:"),
    "comments": lambda text: ";; {:process 9\n" + text.replace("}\n", "} ; {:type :ok}\n"),
    "a discarded form in each map": lambda text: text.replace(":f ", "#_[1 {2 #{3}}] :f "),
    "a vector": lambda text: f"[\n\n{text}\n]\n\n",
    "a nemesis, with a map for a value, and without one": lambda text: (
        '{:type :info, :process :nemesis, :f :cut, :value {"n1" #{"n2"}}}\n'
        "{:type :info, :process :nemesis, :f :heal}\n" + text
    ),
    "info without a value": lambda text: (
        "{:type :invoke, :process 7, :f :write, :value 9}\n{:type :info, :process 7, :f :write}\n"
        + text
    ),
    "times that are none, and missing ones": lambda text: (
        "{:type :invoke, :process 7, :f :read, :time -1}\n"
        "{:type :fail, :process 7, :f :read, :time 99999999999999999999}\n" + text
    ),
}


@pytest.mark.parametrize(("seen", "code"), [("1", 0), ("2", 1)])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_changes_nothing(layout: str, seen: str, code: int, quorate: Quorate) -> None:
    text = EDN.replace("WRITTEN", "1").replace("SEEN", seen)
    Path("history").write_text(LAYOUTS[layout](text))

    done = quorate("check", "history")

    assert (done.code, done.err) == (code, "")


@pytest.mark.parametrize(("key", "code"), [("1", 0), ("0", 1)])
@pytest.mark.parametrize("name", [":key", '"key"'])
def test_a_key_beside_the_value_names_the_object(
    key: str, code: int, name: str, quorate: Quorate
) -> None:
    edn = (
        "{:process 0, :type :invoke, :f :write, :key 0, :value 5}\n"
        "{:process 0, :type :ok, :f :write, :value 5}\n"
        "{:process 1, :type :invoke, :f :write, :key 1, :value 6}\n"
        "{:process 1, :type :ok, :f :write, :key 1, :value 6}\n"
        f"{{:process 1, :type :invoke, :f :read, :key {key}}}\n"
        "{:process 1, :type :ok, :f :read, :value 6}\n"
    )
    json = edn.replace("{:", '{"').replace(", :", ', "')
    for field in ("process", "type", "f", "key", "value"):
        json = json.replace(f'"{field} ', f'"{field}": ')
    for word in ("invoke", "ok", "write", "read"):
        json = json.replace(f" :{word}", f' "{word}"')
    Path("history").write_text(edn if name == ":key" else json)

    done = quorate("check", "history")

    assert (done.code, done.err) == (code, "")


def test_what_else_is_logged_from_where_ops_are_is_passed_over(quorate: Quorate) -> None:
    text = LOG.replace("WRITTEN", "1").replace("SEEN", "1")
    Path("history").write_text(
        "INFO  jepsen.util - Waiting for n1 to come up\n"
        + text
        + "java.util.concurrent.TimeoutException\n"
        "\tat jepsen.util$timeout.invoke(util.clj:267)\n"
        "Caused by: jepsen.util.Timeout: 3\n"
        "2023-01-01 INFO [main] jepsen.util: Retrying in 5 s\n"
    )

    done = quorate("check", "history")

    assert (done.code, done.err) == (0, "")


BAD = EDN.replace("SEEN", "1")
REFUSED = {
    "empty": "",
    "a mark of byte order": "\ufeff",
    "a comment": "; nothing\n",
    "a discarded op": "#_{:process 0}",
    "an empty vector": "[]",
    "an empty map": "{}",
    "a number": "5",
    "a map without a value": BAD.replace("WRITTEN", ""),
    "a key twice": BAD.replace("WRITTEN", "1, :value 1"),
    "an octal number": BAD.replace("WRITTEN", "007"),
    "a number of 5000 digits": BAD.replace("WRITTEN", "9" * 5000),
    "a ratio of 10000 digits": BAD.replace("WRITTEN", "9" * 5000 + "/" + "7" * 5000),
    "a symbolic value that is none": BAD.replace("WRITTEN", "##nan"),
    "a regular expression": BAD.replace("WRITTEN", '#"a"'),
    "an escape that is none": BAD.replace("WRITTEN", '"\\q"'),
    "half a surrogate pair": BAD.replace("WRITTEN", '"\\ud83d"'),
    "nesting": BAD.replace("WRITTEN", "[" * 50_000 + "]" * 50_000),
    "a type in capitals": BAD.replace(":ok", ":OK"),
    "no type": BAD.replace(":type :ok, ", ""),
    "a process that is no number": BAD.replace(":process 0", ":process 0.5"),
    "an op that was never invoked": BAD.split("\n", 1)[1],
    "nul": BAD.replace("WRITTEN", "1") + "\0",
    "json that is none": JSON.replace("WRITTEN", "NaN").replace("SEEN", "1"),
    "a log that is cut": LOG.replace("WRITTEN", "1")[:-12],
    "a log with another type": LOG.replace("WRITTEN", "1").replace(":ok", ":okay"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_almost_a_history_is_refused_in_one_line(name: str, quorate: Quorate) -> None:
    Path("history").write_text(REFUSED[name])

    done = quorate("check", "history")

    assert done.code == 64, done.out
    assert done.err.startswith("quorate: history")
    assert done.err.count("\n") == 1
    assert done.out == ""
