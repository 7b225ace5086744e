"""EDN forms as the plain JSON values that histories hold."""

from decimal import Decimal

import msgspec

from checkers.formats.edn import Character, EdnSet, Form, Keyword, Symbol, Tagged


def plain(form: Form) -> object:  # noqa: PLR0911 - one return for each kind of form
    """Return `form` without what JSON cannot say.

    Keywords and symbols become their names and characters strings; sets become lists in the order
    of the text; tags are dropped; keys of maps become strings.
    """
    match form:
        case Keyword(name) | Symbol(name):
            return name
        case Character(text):
            return text
        case EdnSet(elements):
            return [plain(element) for element in elements]
        case Tagged(_, value):
            return plain(value)
        case tuple():
            return [plain(element) for element in form]
        case dict():
            return {as_text(key): plain(value) for key, value in form.items()}
        case Decimal():
            return float(form)
        case _:
            return form


def as_text(form: Form) -> str:
    """Return `form` as a string: its own text if it has one, else its JSON."""
    if type(form) is str:
        return form
    value = plain(form)
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
