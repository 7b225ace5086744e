"""EDN forms as the plain JSON values that histories hold."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from checkers.formats.edn import Character, EdnSet, Form, Keyword, Symbol, Tagged


def plain(form: Form) -> object:  # noqa: PLR0911 - one return for each kind of form
    """Return `form` without what JSON cannot say.

    Keywords and symbols become their names and characters strings; sets become lists, sorted, so
    that equal sets are equal; decimals become floats, or strings if a float would not be the same;
    tags are dropped; keys of maps become strings.
    """
    match form:
        case Keyword(name) | Symbol(name):
            return name
        case Character(text):
            return text
        case EdnSet(elements):
            return _sorted(plain(element) for element in elements)
        case Tagged(_, value):
            return plain(value)
        case tuple():
            return [plain(element) for element in form]
        case dict():
            return {as_text(key): plain(value) for key, value in form.items()}
        case Decimal():
            near = float(form)
            return near if Decimal(repr(near)) == form else _exact(form)
        case _:
            return form


def _sorted(elements: Iterable[object]) -> list[object]:
    """Return `elements` in the order of their JSON, each once."""
    found = {msgspec.json.encode(element): element for element in elements}
    return [found[text] for text in sorted(found)]


def _exact(number: Decimal) -> str:
    """Return `number` as text, the same for all that are equal."""
    sign, digits, exponent = number.as_tuple()
    whole = "".join(map(str, digits))
    kept = whole.rstrip("0")
    assert isinstance(exponent, int), "only numbers that can be written down are read"
    return f"{'-' if sign else ''}{kept}E{exponent + len(whole) - len(kept)}"


def as_text(form: Form) -> str:
    """Return `form` as a string: its own text if it has one, else its JSON."""
    if type(form) is str:
        return form
    value = plain(form)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
