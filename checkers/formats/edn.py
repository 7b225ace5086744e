"""A reader for EDN, the notation in which Clojure programs, Jepsen among them, write values.

All of https://github.com/edn-format/edn is read, and of Clojure's own printing what it adds:
`##Inf`, `##-Inf`, `##NaN`, tags with namespaces and capitals such as `#jepsen.history.Op{...}`.
The reader keeps its own stack, so no nesting is too deep for it.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final, TypeAlias

import msgspec


class Keyword(msgspec.Struct, frozen=True):
    """`:read` is Keyword("read"), `:a/b` is Keyword("a/b")."""

    name: str


class Symbol(msgspec.Struct, frozen=True):
    """A bare word."""

    name: str


class Character(msgspec.Struct, frozen=True):
    """A backslash and a letter, or a backslash and `newline`: one character."""

    text: str


class EdnSet(msgspec.Struct, frozen=True):
    """`#{1 2}`, its elements in the order of the text."""

    elements: tuple[object, ...]


class Tagged(msgspec.Struct, frozen=True):
    """`#inst "2026-..."`: a value and what it is said to be. No tag is interpreted."""

    tag: str
    value: object


Form: TypeAlias = object
"""None, bool, int, float, Decimal, str, Keyword, Symbol, Character, EdnSet, Tagged; lists and
vectors, which EDN holds equal, as tuple; maps as dict in the order of the text."""


class EdnError(ValueError):
    """The text is not EDN; `line` and `column` count from 1."""

    def __init__(self, text: str, position: int, message: str) -> None:
        self.line = text.count("\n", 0, position) + 1
        self.column = position - (text.rfind("\n", 0, position) + 1) + 1
        self.message = message
        super().__init__(f"line {self.line}, column {self.column}: {message}")


_TOKEN: Final = re.compile(
    r"""
    (?P<blank>   [\s,]+ | ;[^\n]* )
  | (?P<atom>    (?:\#\#)?[^\s,;"()\[\]{}\\#][^\s,;"()\[\]{}\\]* )
  | (?P<open>    \#\{ | [\[({] )
  | (?P<close>   [\])}] )
  | (?P<string>  "(?:[^"\\]|\\.)*" )
  | (?P<discard> \#_ )
  | (?P<tag>     \#:?[A-Za-z][^\s,;"()\[\]{}\\]* )
  | (?P<char>    \\(?:[A-Za-z][A-Za-z0-9]*|\S) )
    """,
    re.VERBOSE | re.DOTALL,
)
_INTEGER: Final = re.compile(r"([+-]?(?:0|[1-9][0-9]*))N?")
_FLOAT: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_KEYWORD: Final = re.compile(r":[^:/\s][^\s]*")
_SYMBOL: Final = re.compile(r"[^\W\d][\w.*+!\-?$%&=<>/#:']*|[.*+!\-?$%&=<>/][\w.*+!\-?$%&=<>/#:']*")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CODE_POINT: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

_CLOSER: Final = {"(": ")", "[": "]", "{": "}", "#{": "}"}
_DISCARD: Final = "#_"
_DIGITS_MAX: Final = 4000
_CONSTANTS: Final[dict[str, Form]] = {
    "nil": None,
    "true": True,
    "false": False,
    "##Inf": float("inf"),
    "##-Inf": float("-inf"),
    "##NaN": float("nan"),
}
_ESCAPES: Final = {
    "t": "\t",
    "r": "\r",
    "n": "\n",
    "b": "\b",
    "f": "\f",
    "\\": "\\",
    '"': '"',
}
_CHARACTERS: Final = {
    "\\newline": "\n",
    "\\return": "\r",
    "\\space": " ",
    "\\tab": "\t",
    "\\formfeed": "\f",
    "\\backspace": "\b",
}


class _Frame:
    """A form that has begun and not ended: a collection, or a prefix that awaits its form."""

    __slots__ = ("forms", "is_prefix", "opener", "position")

    def __init__(self, opener: str, position: int) -> None:
        self.opener: Final = opener
        """`(`, `[`, `{` or `#{`; `#_`; or `#` and a tag."""
        self.position: Final = position
        self.forms: Final[list[Form]] = []
        self.is_prefix: Final = opener not in _CLOSER


def read_all(text: str) -> list[Form]:
    """Return every form in `text`, or raise `EdnError`."""
    return [form for _, form in read_located(text)]


def read_located(text: str, *, unwrap: bool = False) -> Iterator[tuple[int, Form]]:
    """Yield each form with the number of the line on which it begins.

    With `unwrap`, a list or vector at the top is taken apart, and each of its elements yielded
    as soon as it is read. `EdnError` is raised when the iteration reaches the fault.
    """
    line, counted = 1, 0
    for position, form in _Reader(text, unwrap=unwrap).forms():
        line += text.count("\n", counted, position)
        counted = position
        yield line, form


class _Reader:
    """One pass over one text."""

    def __init__(self, text: str, *, unwrap: bool) -> None:
        self._text: Final = text
        self._unwrap: Final = unwrap
        self._stack: Final[list[_Frame]] = []
        self._atoms: Final[dict[str, Form]] = dict(_CONSTANTS)
        """Every atom seen so far: histories repeat few words many times."""

    def forms(self) -> Iterator[tuple[int, Form]]:
        """Yield the forms to be delivered, each with the position at which it begins."""
        stack = self._stack
        for kind, position, token in self._tokens():
            if kind in {"open", "discard", "tag"}:
                stack.append(_Frame(token, position))
                continue
            if kind == "close":
                frame = self._close(position, token)
                if self._unwrap and not stack and frame.opener in "([":
                    continue
                delivery = self._place(frame.position, self._collection(frame))
            else:
                delivery = self._place(position, self._scalar(kind, position, token))
            if delivery is not None:
                yield delivery
        if stack:
            frame = stack[-1]
            lack = "is followed by no form" if frame.is_prefix else "is never closed"
            raise EdnError(self._text, frame.position, f"{frame.opener!r} {lack}")

    def _tokens(self) -> Iterator[tuple[str, int, str]]:
        """Yield kind, position and text of each token."""
        text, position = self._text, 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                lack = "a string is never closed" if text[position] == '"' else "cannot be read"
                raise EdnError(text, position, f"{text[position : position + 20]!r}: {lack}")
            kind = match.lastgroup
            assert kind is not None, "every alternative has a name"
            if kind != "blank":
                yield kind, position, match.group()
            position = match.end()

    def _close(self, position: int, token: str) -> _Frame:
        """End the collection that `token` closes, and return it."""
        if not self._stack:
            raise EdnError(self._text, position, f"{token!r} closes nothing")
        frame = self._stack.pop()
        if frame.is_prefix:
            raise EdnError(self._text, frame.position, f"{frame.opener!r} is followed by no form")
        if _CLOSER[frame.opener] != token:
            raise EdnError(
                self._text,
                position,
                f"{token!r} where {frame.opener!r} expects {_CLOSER[frame.opener]!r}",
            )
        return frame

    def _place(self, position: int, form: Form) -> tuple[int, Form] | None:
        """Put a whole form where it belongs; return it if that is outside."""
        stack = self._stack
        while stack and stack[-1].is_prefix:
            frame = stack.pop()
            if frame.opener == _DISCARD:
                return None
            position, form = frame.position, Tagged(frame.opener[1:], form)
        if not stack or (self._unwrap and len(stack) == 1 and stack[0].opener in "(["):
            return position, form
        stack[-1].forms.append(form)
        return None

    def _collection(self, frame: _Frame) -> Form:
        forms = frame.forms
        if frame.opener == "{":
            return self._map(frame)
        return EdnSet(tuple(forms)) if frame.opener == "#{" else tuple(forms)

    def _map(self, frame: _Frame) -> dict[Form, Form]:
        keys, values = frame.forms[::2], frame.forms[1::2]
        if len(keys) != len(values):
            raise EdnError(self._text, frame.position, "a map whose last key has no value")
        try:
            pairs = dict(zip(keys, values, strict=True))
        except TypeError as error:
            raise EdnError(
                self._text, frame.position, "a map with a map in a key; expected plain keys"
            ) from error
        if len(pairs) != len(keys):
            raise EdnError(self._text, frame.position, "a map with the same key twice")
        return pairs

    def _scalar(self, kind: str, position: int, token: str) -> Form:
        if kind == "string":
            return self._string(position, token)
        if kind == "char":
            return self._character(position, token)
        try:
            return self._atoms[token]
        except KeyError:
            return self._atoms.setdefault(token, self._atom(position, token))

    def _atom(self, position: int, token: str) -> Form:
        if integer := _INTEGER.fullmatch(token):
            if len(token) > _DIGITS_MAX:
                raise EdnError(self._text, position, f"a number of over {_DIGITS_MAX} digits")
            return int(integer[1])
        if _FLOAT.fullmatch(token.removesuffix("M")):
            return Decimal(token[:-1]) if token.endswith("M") else float(token)
        if _KEYWORD.fullmatch(token):
            return Keyword(token[1:])
        if _SYMBOL.fullmatch(token) and not (token[0] in "+-." and token[1:2].isdigit()):
            return Symbol(token)
        raise EdnError(
            self._text, position, f"{token!r} is neither a number, a keyword nor a symbol"
        )

    def _string(self, position: int, token: str) -> str:
        if "\\" not in token:
            return token[1:-1]

        def meaning(escape: re.Match[str]) -> str:
            if escape[1]:
                return chr(int(escape[1], 16))
            if escape[2] not in _ESCAPES:
                offset = position + 1 + escape.start()
                raise EdnError(self._text, offset, f"{escape[0]!r} is not an escape")
            return _ESCAPES[escape[2]]

        return self._joined(position, _ESCAPE.sub(meaning, token[1:-1]))

    def _character(self, position: int, token: str) -> Character:
        if token in _CHARACTERS:
            return Character(_CHARACTERS[token])
        if code_point := _CODE_POINT.fullmatch(token):
            return Character(self._joined(position, chr(int(code_point[1], 16))))
        if len(token) == 2:
            return Character(token[1])
        raise EdnError(self._text, position, f"{token!r} is not a character")

    def _joined(self, position: int, text: str) -> str:
        """Return `text` with its surrogate pairs, UTF-16 as Java writes it, made characters."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise EdnError(self._text, position, "half of a surrogate pair") from error
