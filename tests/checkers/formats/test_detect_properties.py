"""No file makes a reader fail in any other way than by saying what is wrong with it."""

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from checkers.formats.detect import Format, read_history
from checkers.history_file import HistoryFileError

PIECES = st.sampled_from(
    [
        "{:process 1, ",
        ":type :invoke, ",
        ":type :ok, ",
        ":f :read, ",
        ":f :txn, ",
        ':key "0", ',
        ":value nil",
        ":value [[:r 1 nil]]",
        ":value {{1 2} 3}",
        "}",
        "[",
        "]",
        "\n",
        "INFO jepsen.util - 1\t:invoke\t:cas\t",
        "INFO jepsen.util - 1\t:fail\t:cas\t",
        "[1 2]",
        ":timed-out",
        '{"quorate":"history","version":1}\n',
        '{"index":0,"time":0,"process":1,"type":"invoke","f":"read"}\n',
        "\x00",
        '"',
    ]
)
DOCUMENTS = st.lists(PIECES, max_size=12).map("".join)


@given(DOCUMENTS, st.sampled_from(Format))
def test_any_document_is_read_or_refused(document: str, file_format: Format) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory, "history")
        path.write_text(document)

        with suppress(HistoryFileError):
            read_history(path, file_format)
