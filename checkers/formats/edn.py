"""A reader for EDN, the notation in which Clojure programs, Jepsen among them, write values.

All of https://github.com/edn-format/edn is read, and of Clojure's own printing what it adds:
`##Inf`, `##-Inf`, `##NaN`, numbers like `0x1f`, metadata (`^{...}`, which is passed over), tags
with namespaces and capitals such as `#jepsen.history.Op{...}`.
The reader keeps its own stack, so no nesting is too deep for it.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
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

    def __init__(self, line: int, column: int, message: str) -> None:
        self.line = line
        self.column = column
        self.message = message
        super().__init__(f"line {line}, column {column}: {message}")


_TOKEN: Final = re.compile(
    r"""
    (?P<blank>   [\s,]+ | ;[^\n]* )
  | (?P<meta>    \^ )
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
_HEXADECIMAL: Final = re.compile(r"[+-]?0[xX][0-9a-fA-F]{1,1000}N?")
_FLOAT: Final = re.compile(r"[+-]?(?:0|[1-9][0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?")
_RATIO: Final = re.compile(r"[+-]?[0-9]+/[1-9][0-9]*")
"""Clojure's ratio, which neither JSON nor we have: in lowest terms it is a word like any other."""
_KEYWORD: Final = re.compile(r":[^:/\s][^\s]*")
_SYMBOL: Final = re.compile(r"[^\W\d][\w.*+!\-?$%&=<>/#:']*|[.*+!\-?$%&=<>/][\w.*+!\-?$%&=<>/#:']*")
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_CODE_POINT: Final = re.compile(r"\\u([0-9a-fA-F]{4})")

_CLOSER: Final = {"(": ")", "[": "]", "{": "}", "#{": "}"}
_DISCARDS: Final = frozenset({"#_", "^"})
"""Prefixes of what is passed over: what was taken back, and what is said of the form after it."""
_DIGITS_MAX: Final = 4000
_STRING_CHARACTERS_MAX: Final = 1024 * 1024
_FORM_CHARACTERS_MAX: Final = 4 * 1024 * 1024
"""What begins and does not end within so much was never meant to be one form."""
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

    __slots__ = ("forms", "is_prefix", "opener", "place", "position")

    def __init__(self, opener: str, position: int) -> None:
        self.opener: Final = opener
        """`(`, `[`, `{` or `#{`; `#_` or `^`; or `#` and a tag."""
        self.position = position
        """Where it begins in the text at hand; -1 if it began in an earlier one."""
        self.place = (0, 0)
        """Line and column of what began in an earlier text."""
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
    reader = EdnReader(unwrap=unwrap)
    yield from reader.feed(text)
    reader.finish()


class EdnReader:
    """One pass over one text, which may come piece by piece; a piece ends with its line."""

    def __init__(self, *, unwrap: bool) -> None:
        self._unwrap: Final = unwrap
        self._text = ""
        """The piece at hand."""
        self._lines_before = 0
        """How many lines came before it."""
        self._rest = ""
        """What was not read of the piece before: a string that goes on."""
        self._held = 0
        """How many characters came since nothing was begun."""
        self._stack: Final[list[_Frame]] = []
        self._atoms: Final[dict[str, Form]] = dict(_CONSTANTS)
        """Every atom seen so far: histories repeat few words many times."""

    @property
    def is_outside(self) -> bool:
        """Whether nothing has begun that has not ended, but for what is taken apart."""
        return not self._rest and self._is_top()

    @property
    def line(self) -> int:
        """The line on which the next piece begins, from 1."""
        return self._lines_before + self._text.count("\n") + 1

    def pass_over(self, lines: int) -> None:
        """Count `lines` that somebody else has read; nothing may have begun."""
        assert self.is_outside, "a form goes on"
        self._lines_before, self._text = self.line - 1 + lines, ""

    def feed(self, text: str) -> Iterator[tuple[int, Form]]:
        """Yield each form that ends in `text`, with the line on which it begins."""
        self._held = 0 if self.is_outside else self._held + len(text)
        if self._rest and '"' not in text:
            self._text, self._rest = self._text + text, self._rest + text
            self._check_limits()
            return
        yield from self._feed(text)
        self._check_limits()

    def _check_limits(self) -> None:
        if len(self._rest) > _STRING_CHARACTERS_MAX:
            at = len(self._text) - len(self._rest)
            raise self._fault(at, f"a string of over {_STRING_CHARACTERS_MAX} characters")
        if self._held > _FORM_CHARACTERS_MAX and self._stack:
            frame = self._stack[-1]
            limit = f"is not closed within {_FORM_CHARACTERS_MAX} characters"
            raise self._fault_in(frame, f"{frame.opener!r} {limit}")

    def _feed(self, text: str) -> Iterator[tuple[int, Form]]:
        for frame in self._stack:
            if frame.position >= 0:
                frame.place, frame.position = self._place_of(frame.position), -1
        self._lines_before = self.line - 1 - self._rest.count("\n")
        self._text, self._rest = self._rest + text, ""
        line, counted = self._lines_before + 1, 0
        for position, form in self._forms():
            if isinstance(position, int):
                line += self._text.count("\n", counted, position)
                counted = position
                yield line, form
            else:
                yield position[0], form

    def finish(self) -> None:
        """Raise `EdnError` if something has begun that has not ended."""
        if self._rest:
            at = len(self._text) - len(self._rest)
            raise self._fault(at, f"{self._rest[:20]!r}: a string is never closed")
        if self._stack:
            frame = self._stack[-1]
            lack = "is followed by no form" if frame.is_prefix else "is never closed"
            raise self._fault_in(frame, f"{frame.opener!r} {lack}")

    def _is_top(self) -> bool:
        """Say whether a form that ends here is to be delivered."""
        stack = self._stack
        return not stack or (self._unwrap and len(stack) == 1 and stack[0].opener in "([")

    def _place_of(self, position: int) -> tuple[int, int]:
        line = self._text.count("\n", 0, position) + 1 + self._lines_before
        return line, position - self._text.rfind("\n", 0, position)

    def _fault(self, position: int, message: str) -> EdnError:
        return EdnError(*self._place_of(position), message)

    def _fault_in(self, frame: _Frame, message: str) -> EdnError:
        place = frame.place if frame.position < 0 else self._place_of(frame.position)
        return EdnError(*place, message)

    def _forms(self) -> Iterator[tuple[int | tuple[int, int], Form]]:
        """Yield the forms to be delivered, each with where it begins: a position or a place."""
        stack = self._stack
        for kind, position, token in self._tokens():
            if kind in {"open", "discard", "meta", "tag"}:
                stack.append(_Frame(token, position))
                continue
            if kind == "close":
                frame = self._close(position, token)
                if self._unwrap and not stack and frame.opener in "([":
                    continue
                delivery = self._put(_start(frame), self._collection(frame))
            else:
                delivery = self._put(position, self._scalar(kind, position, token))
            if delivery is not None:
                yield delivery

    def _tokens(self) -> Iterator[tuple[str, int, str]]:
        """Yield kind, position and text of each token."""
        text, position = self._text, 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                if text[position] == '"':
                    self._rest = text[position:]
                    return
                raise self._fault(position, f"{text[position : position + 20]!r}: cannot be read")
            kind = match.lastgroup
            assert kind is not None, "every alternative has a name"
            if kind != "blank":
                yield kind, position, match.group()
            position = match.end()

    def _close(self, position: int, token: str) -> _Frame:
        """End the collection that `token` closes, and return it."""
        if not self._stack:
            raise self._fault(position, f"{token!r} closes nothing")
        frame = self._stack.pop()
        if frame.is_prefix:
            raise self._fault_in(frame, f"{frame.opener!r} is followed by no form")
        if _CLOSER[frame.opener] != token:
            expected = _CLOSER[frame.opener]
            raise self._fault(position, f"{token!r} where {frame.opener!r} expects {expected!r}")
        return frame

    def _put(
        self, start: int | tuple[int, int], form: Form
    ) -> tuple[int | tuple[int, int], Form] | None:
        """Put a whole form where it belongs; return it if that is outside."""
        stack = self._stack
        while stack and stack[-1].is_prefix:
            frame = stack.pop()
            if frame.opener in _DISCARDS:
                return None
            start, form = _start(frame), Tagged(frame.opener[1:], form)
        if self._is_top():
            return start, form
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
            raise self._fault_in(frame, "a map whose last key has no value")
        try:
            pairs = dict(zip(keys, values, strict=True))
        except TypeError as error:
            raise self._fault_in(frame, "a map with a map in a key; expected plain keys") from error
        if len(pairs) != len(keys):
            raise self._fault_in(frame, "a map with the same key twice")
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
                raise self._fault(position, f"a number of over {_DIGITS_MAX} digits")
            return int(integer[1])
        if _HEXADECIMAL.fullmatch(token):
            return int(token.removesuffix("N"), 16)
        if _FLOAT.fullmatch(token.removesuffix("M")):
            return Decimal(token[:-1]) if token.endswith("M") else float(token)
        if _RATIO.fullmatch(token):
            return self._ratio(position, token)
        if _KEYWORD.fullmatch(token):
            return Keyword(token[1:])
        if _SYMBOL.fullmatch(token) and not (token[0] in "+-." and token[1:2].isdigit()):
            return Symbol(token)
        raise self._fault(position, f"{token!r} is neither a number, a keyword nor a symbol")

    def _ratio(self, position: int, token: str) -> Form:
        if len(token) > _DIGITS_MAX:
            raise self._fault(position, f"a ratio of over {_DIGITS_MAX} digits")
        ratio = Fraction(token)
        if ratio.denominator == 1:
            return ratio.numerator
        return Symbol(f"{ratio.numerator}/{ratio.denominator}")

    def _string(self, position: int, token: str) -> str:
        if "\\" not in token:
            return token[1:-1]

        def meaning(escape: re.Match[str]) -> str:
            if escape[1]:
                return chr(int(escape[1], 16))
            if escape[2] not in _ESCAPES:
                offset = position + 1 + escape.start()
                raise self._fault(offset, f"{escape[0]!r} is not an escape")
            return _ESCAPES[escape[2]]

        return self._joined(position, _ESCAPE.sub(meaning, token[1:-1]))

    def _character(self, position: int, token: str) -> Character:
        if token in _CHARACTERS:
            return Character(_CHARACTERS[token])
        if code_point := _CODE_POINT.fullmatch(token):
            return Character(self._joined(position, chr(int(code_point[1], 16))))
        if len(token) == 2:
            return Character(token[1])
        raise self._fault(position, f"{token!r} is not a character")

    def _joined(self, position: int, text: str) -> str:
        """Return `text` with its surrogate pairs, UTF-16 as Java writes it, made characters."""
        try:
            return text.encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError as error:
            raise self._fault(position, "half of a surrogate pair") from error


def _start(frame: _Frame) -> int | tuple[int, int]:
    return frame.position if frame.position >= 0 else frame.place
