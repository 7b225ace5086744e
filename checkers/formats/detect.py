"""Which format a file is in, told from what it contains."""

import enum
import re
from contextlib import closing
from pathlib import Path
from typing import Final, assert_never

from checkers.collector import rare_collections
from checkers.formats import etcd_report, jepsen_edn, jepsen_json, jepsen_log, porcupine_kv
from checkers.heard_file import Heard, HeardFile, unheard
from checkers.history import History
from checkers.history_file import HistoryFileError, load_history

SAMPLE_BYTES_MAX: Final = 64 * 1024
"""How far into a file its format must show."""


class Format(enum.StrEnum):
    """The formats that can be read, by the names users give."""

    ETCD_REPORT = "etcd-report"
    """A directory that etcd's robustness tests wrote."""
    QUORATE = "quorate"
    """Our own: JSON lines."""
    JEPSEN_EDN = "jepsen-edn"
    """Operation maps of Jepsen, Knossos and Elle."""
    JEPSEN_JSON = "jepsen-json"
    """The same in JSON, as elle-cli takes it."""
    JEPSEN_LOG = "jepsen-log"
    """Jepsen's log of a run against registers."""
    PORCUPINE_KV = "porcupine-kv"
    """Porcupine's key-value test data."""


_EDN_BLANK: Final = re.compile(r"(?:[\s,]+|;[^\n]*)*")
_LOG_LINE: Final = re.compile(r"jepsen\.util:?\s+(?:-\s+)?(?:\d+|:\w+)\s+:")
_OP_MAP: Final = re.compile(r"[\[(\s]*(?:#jepsen\.history\.Op)?\{[^{}\n]*:type\s+:")
_JSON: Final = re.compile(r'\ufeff?\s*(?:\[\s*)?\{\s*"')
_JEPSEN_TYPE: Final = re.compile(r'\A\ufeff?\s*(?:\[|\{(?!\s*"quorate")[^\n]*"type"\s*:)')
"""An array, or an object that has a type and is not the header of a history of ours."""
_KV_MAP: Final = re.compile(
    r"[\[(\s,]*\{(?=[^{}]*:f[\s,]+:(?:put|append|get)[\s,}])[^{}]*:key[\s,]+\""
)
_EDN_MAP: Final = re.compile(r"\{[\s,]*:")


def read_history(
    path: Path,
    file_format: Format | None = None,
    *,
    allow_torn_tail: bool = False,
    heard: Heard = unheard,
) -> History:
    """Return the history in `path`, or raise `HistoryFileError`.

    The format is told from the content unless given. `allow_torn_tail` is for our own format; who
    must know whether a line was dropped uses `load_history`. `heard` is told of bytes as they are
    read.
    """
    with rare_collections():
        return _read(path, file_format or detect(path), heard, allow_torn_tail=allow_torn_tail)


def _read(path: Path, chosen: Format, heard: Heard, *, allow_torn_tail: bool) -> History:
    match chosen:
        case Format.ETCD_REPORT:
            return etcd_report.read(path, heard)
        case Format.QUORATE:
            return load_history(path, allow_torn_tail=allow_torn_tail, heard=heard).history
        case Format.JEPSEN_EDN:
            return jepsen_edn.read(path, heard)
        case Format.JEPSEN_JSON:
            return jepsen_json.read(path, heard)
        case Format.JEPSEN_LOG:
            return jepsen_log.read(path, heard)
        case Format.PORCUPINE_KV:
            return porcupine_kv.read(path, heard)
        case _:
            assert_never(chosen)


def detect(path: Path) -> Format:
    """Return the format of the file, or raise `HistoryFileError` if it is none we read."""
    if etcd_report.is_report(path):
        return Format.ETCD_REPORT
    try:
        with closing(HeardFile(path, unheard)) as file:
            sample = file.readlines(SAMPLE_BYTES_MAX).decode(errors="replace")
    except OSError as error:
        raise HistoryFileError(path, None, f"cannot be opened: {error.strerror}") from error
    if not sample.strip():
        raise HistoryFileError(path, None, "is empty; expected a history")
    if _LOG_LINE.search(sample) and not _OP_MAP.match(sample):
        return Format.JEPSEN_LOG
    if _JSON.match(sample):
        return Format.JEPSEN_JSON if _JEPSEN_TYPE.search(sample) else Format.QUORATE
    sample = sample.removeprefix("\ufeff")
    blank = _EDN_BLANK.match(sample)
    assert blank is not None, "the pattern matches nothing at all too"
    start = sample[blank.end() :]
    if _KV_MAP.match(start):
        return Format.PORCUPINE_KV
    if start.startswith(("[", "(", "#", "^")) or _EDN_MAP.match(start):
        return Format.JEPSEN_EDN
    known = ", ".join(Format)
    raise HistoryFileError(
        path, None, f"is in no format known here ({known}); if it is in one of them, name it"
    )
