"""The same formats with other contents: what other tools write, by hand, and what they do not."""

import gzip
import json
from pathlib import Path

import pytest

from tests.harness.cli.conftest import Quorate

NEMESIS = """\
#jepsen.history.Op{:index 0, :time 32, :type :invoke, :process 0, :f :write, :value 3}
#jepsen.history.Op{:index 1, :time 33, :type :ok, :process 0, :f :write, :value 3}
#jepsen.history.Op{:index 2, :time 33, :type :info, :process :nemesis, :f :start-partition, \
:value [:isolated {"n1" #{"n2" "n3"}, "n2" #{"n1"}}]}
#jepsen.history.Op{:index 3, :time 34, :type :invoke, :process 1, :f :read, :value nil}
#jepsen.history.Op{:index 4, :time 35, :type :info, :process 1, :f :read, :value nil, \
:error [:timeout "5 s"], :exception {:via [{:type clojure.lang.ExceptionInfo, \
:at [jepsen.client$open_BANG_ invoke "client.clj" 12]}], :trace [[a.b$c d "e.clj" -1]], \
:data #object[foo.Bar 0x1234 "foo.Bar@1234"], :more ^{:line 3} [1]}}
#jepsen.history.Op{:index 5, :time 36, :type :invoke, :process 0, :f :read, :value nil}
#jepsen.history.Op{:index 6, :time 37, :type :ok, :process 0, :f :read, :value VALUE}
"""
INDEPENDENT = """\
{:type :invoke, :f :write, :value [5 1], :process 0, :time 1, :index 0}
{:type :info, :f :kill, :value :all, :process :nemesis, :time 1, :index 1}
{:type :ok, :f :write, :value [5 1], :process 0, :time 2, :index 2}
{:type :invoke, :f :cas, :value [5 [1 2]], :process 0, :time 5, :index 5}
{:type :fail, :f :cas, :value nil, :process 0, :time 6, :index 6, :error :mismatch}
{:type :invoke, :f :read, :value [6 nil], :process 0, :time 7, :index 7}
{:type :ok, :f :read, :value [KEY 1], :process 0, :time 8, :index 8}
"""
NEMESIS_ASKED = """\
[{:process :nemesis, :type :invoke, :f :start, :value nil}
 {:process 0, :type :invoke, :f :write, :value 1}
 {:process :nemesis, :type :ok, :f :start, :value "cut off"}
 {:process 0, :type :ok, :f :write, :value 1}
 {:process 1 :type :invoke :f :read :value nil} {:process 1 :type :ok :f :read :value VALUE}]
"""
WORDS = """\
({:process 0, :type "invoke", :f "write", :value "a"} {:process 0, :type "ok", :f "write",
 :value "a"},,,{:process 1 , :type :invoke , :f :read} #_{:process 9} {:process 1, :type :ok,
 :f :read, :value VALUE} ; end
)
"""
SET = """\
{:process 0, :type :invoke, :f :add, :value 1}
{:process 0, :type :ok, :f :add, :value 1}
{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value VALUE}
"""
LONG_FORK = """\
{:process 0, :type :invoke, :f :write, :value [[:w 0 1]]}
{:process 0, :type :ok, :f :write, :value [[:w 0 1]]}
{:process 1, :type :invoke, :f :read, :value [[:r 0 nil] [:r 1 nil]]}
{:process 1, :type :ok, :f :read, :value [[:r 0 VALUE] [:r 1 nil]]}
"""
BANK = """\
{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value {0 10, 1 10}}
{:process 0, :type :invoke, :f :transfer, :value {:from 0, :to 1, :amount 5}}
{:process 0, :type :ok, :f :transfer, :value {:from 0, :to 1, :amount 5}}
{:process 0, :type :invoke, :f :read, :value nil}
{:process 0, :type :ok, :f :read, :value {0 5, 1 VALUE}}
"""
LOG = """\
INFO  jepsen.core - Running test
2015-06-01 12:00:00,123 INFO  jepsen.util - 12\t:invoke\t:write\t"foo"
INFO  jepsen.util - :nemesis\t:info\t:start\t"Cut off {:n1 #{:n2}}"
INFO  jepsen.util - 12\t:ok\t:write\t"foo"
INFO [2016-01-01 10:00:00,000] jepsen worker 0 - jepsen.util 7 :invoke :read nil
2022-05-01 10:00:00,003{GMT}\tINFO\t[jepsen worker 2] jepsen.util: 7\t:ok\t:read\tVALUE
{:perf {:valid? true},
 :valid? true}
"""
LOG_OF_KEYS = """\
INFO  jepsen.util - 0\t:invoke\t:write\t[1 4]
INFO  jepsen.util - 0\t:ok\t:write\t[1 4]
INFO  jepsen.util - 1\t:invoke\t:cas\t[1 [4 5]]
INFO  jepsen.util - 1\t:info\t:cas\t:timed-out
INFO  jepsen.util - 2\t:invoke\t:read\t[KEY nil]
INFO  jepsen.util - 2\t:ok\t:read\t[KEY 5]
"""
KV = """\
{:type :invoke, :f :put, :key "a b", :value "x{}", :process 0}
{:type :ok, :f :put, :key "a b", :value "x{}", :process 0}
{:type :invoke, :f :get, :key "a b", :value nil, :process 1}
{:type :ok, :f :get, :key "a b", :value VALUE, :process 1}
"""
REGISTERS = """\
{:type :invoke, :process 0, :f :txn, :value [[:w :x 1] [:r :y nil]], :index 0}
{:type :ok, :process 0, :f :txn, :value [[:w :x 1] [:r :y nil]], :index 1}
{:type :invoke, :process 1, :f :txn, :value [[:w :y 1] [:r :x nil]], :index 2}
{:type :OUTCOME, :process 1, :f :txn, :value [[:w :y 1] [:r :x nil]], :index 3, :error [:x "y"]}
{:type :invoke, :process 2, :f :txn, :value [[:r :y nil]], :index 4}
{:type :ok, :process 2, :f :txn, :value [[:r :y 1]], :index 5}
"""
LISTS = json.dumps(
    [
        {"index": 0, "type": "invoke", "process": 0, "f": "txn", "value": [["append", "x", 1]]},
        {"index": 1, "type": "ok", "process": 0, "f": "txn", "value": [["append", "x", 1]]},
        {"index": 2, "type": "invoke", "process": 1, "f": "txn", "value": [["r", "x", None]]},
        {"index": 3, "type": "ok", "process": 1, "f": "txn", "value": [["r", "x", ["VALUE"]]]},
    ],
    indent=2,
)

VARIANTS = {
    "maps with tags, exceptions, objects and metadata": (NEMESIS, "VALUE", "3", "4"),
    "pairs of keys and values, with an answer without one": (INDEPENDENT, "KEY", "5", "6"),
    "a nemesis that is asked and answers": (NEMESIS_ASKED, "VALUE", "1", "2"),
    "types and names as strings, commas and discarded forms": (WORDS, "VALUE", '"a"', '"b"'),
    "a set in parentheses": (SET, "VALUE", "(1)", "()"),
    "a set as a set": (SET, "VALUE", "#{1}", "#{1 2}"),
    "a counter": (SET, "VALUE", "1", "7"),
    "a long fork, whose reads and writes are transactions": (LONG_FORK, "VALUE", "1", "2"),
    "a bank": (BANK, "VALUE", "15", "10"),
    "logs of three times": (LOG, "VALUE", '"foo"', '"bar"'),
    "a log of many registers": (LOG_OF_KEYS, "KEY", "1", "2"),
    "strings with braces, and the process last": (KV, "VALUE", '"x{}"', '""'),
    "registers with an unknown outcome, or a failed one that was read": (
        REGISTERS, "OUTCOME", "info", "fail",
    ),
    "lists in pretty JSON": (LISTS, '"VALUE"', "1", "2"),
}  # fmt: skip


@pytest.mark.parametrize(("template", "word", "right", "wrong"), VARIANTS.values(), ids=VARIANTS)
def test_a_variant_gets_its_verdict(
    template: str, word: str, right: str, wrong: str, quorate: Quorate
) -> None:
    if "[KEY 1]" in template:  # the key that was asked for, too
        template = template.replace("[6 nil]", "[KEY nil]")
    for value, code in ((right, 0), (wrong, 1)):
        Path("history").write_text(template.replace(word, value))
        done = quorate("check", "history")
        assert (done.code, done.err) == (code, ""), value


@pytest.mark.parametrize("marked", ["\ufeff", ""])
@pytest.mark.parametrize("template", [NEMESIS, KV, LOG, INDEPENDENT])
def test_line_ends_of_other_systems_and_marks_of_byte_order_change_nothing(
    template: str, marked: str, quorate: Quorate
) -> None:
    text = template.replace("VALUE", "7").replace("KEY", "6")
    Path("plain").write_text(text)
    Path("other").write_bytes((marked + text.replace("\n", "\r\n")).encode())

    plain, other = quorate("check", "--json", "plain"), quorate("check", "--json", "other")

    assert plain.code == other.code
    assert plain.out.replace('"file":"plain"', '"file":"other"') == other.out


@pytest.mark.parametrize("template", [NEMESIS, KV, LOG, LISTS])
def test_what_gzip_compressed_is_judged_as_what_it_was(template: str, quorate: Quorate) -> None:
    text = template.replace('"VALUE"', "1").replace("VALUE", "7")
    Path("plain").write_text(text)
    packed = gzip.compress(text.encode())
    Path("packed").write_bytes(packed)
    Path("cut").write_bytes(packed[: len(packed) // 2])
    Path("damaged").write_bytes(packed[:20] + bytes(reversed(packed[20:])))

    assert quorate("check", "packed").code == quorate("check", "plain").code
    for name in ("cut", "damaged"):
        done = quorate("check", name)
        assert done.code == 64
        assert done.err.splitlines() == [
            f"quorate: {name}: cannot be opened: its gzip data is damaged or cut off"
        ]


@pytest.mark.parametrize(
    ("first", "second"), [(KV, LOG), (LOG, KV), (NEMESIS, LISTS), (LISTS, NEMESIS), (NEMESIS, LOG)]
)
def test_a_file_in_two_formats_is_one_clear_line(first: str, second: str, quorate: Quorate) -> None:
    text = (first + second).replace('"VALUE"', "1").replace("VALUE", '"foo"')
    Path("mixed").write_text(text)

    done = quorate("check", "mixed")

    assert done.code == 64
    assert len(done.err.splitlines()) == 1
    assert done.err.startswith("quorate: mixed:")
