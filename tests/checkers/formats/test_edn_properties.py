"""Whatever is printed is read back, and no text makes the reader fail otherwise."""

import json

from hypothesis import given
from hypothesis import strategies as st

from checkers.formats.edn import (
    Character,
    EdnError,
    EdnSet,
    Form,
    Keyword,
    Tagged,
    read_all,
)

NAMES = st.from_regex(r"[a-z][a-z0-9.?!-]{0,6}", fullmatch=True)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | NAMES.map(Keyword)
    | st.characters(min_codepoint=33, max_codepoint=126).map(Character)
)
FORMS = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(NAMES.map(Keyword), inner, max_size=3)
        | st.lists(inner, max_size=3).map(lambda elements: EdnSet(tuple(elements)))
        | st.builds(Tagged, NAMES, inner)
    ),
    max_leaves=8,
)
BLANKS = st.sampled_from([" ", ",", "\n", " ; note\n", " #_ x ", "\t,"])


def printed(form: Form, blank: str) -> str:  # noqa: C901, PLR0911 - one case per kind
    """Return `form` as EDN, with `blank` wherever one may stand."""
    match form:
        case None:
            return "nil"
        case bool():
            return str(form).lower()
        case str():
            return json.dumps(form)
        case Keyword(name):
            return f":{name}"
        case Character(text):
            return f"\\{text}"
        case Tagged(tag, value):
            return f"#{tag}{blank}{printed(value, blank)}"
        case EdnSet(elements):
            return f"#{{{blank.join(printed(element, blank) for element in elements)}}}"
        case tuple():
            return f"[{blank.join(printed(element, blank) for element in form)}]"
        case dict():
            pairs = [printed(part, blank) for pair in form.items() for part in pair]
            return f"{{{blank.join(pairs)}}}"
        case _:
            return repr(form)


@given(FORMS, BLANKS)
def test_a_printed_form_is_read_back(form: Form, blank: str) -> None:
    assert read_all(printed(form, blank)) == [form]


@given(st.text(alphabet=' \n\\"#_{}[]():;,a1-.^u', max_size=30))
def test_any_text_is_read_or_refused_at_a_place_in_it(text: str) -> None:
    try:
        read_all(text)
    except EdnError as error:
        refused_line = error.line
    else:
        refused_line = 1

    assert 1 <= refused_line <= text.count("\n") + 1
