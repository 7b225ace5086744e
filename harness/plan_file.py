"""Plans as TOML: read with errors that name the file, the line and the key; written complete.

`parse_plan(dump_plan(plan)) == plan` for every plan.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeAlias, TypeGuard

import msgspec
import tomli_w

from harness.errors import PlanError
from harness.plan import PLAN_VERSION, Plan, SettingError
from harness.suggest import did_you_mean

KeyPath: TypeAlias = tuple[str, ...]
"""A key and the tables it is in, outermost first: `("workload", "rate")`."""

_TABLE_HEADER: Final = re.compile(r"\s*\[\[?\s*([^\]]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(r"\s*([A-Za-z0-9_\-.\"' ]+?)\s*=")
_FAILURE_PLACE: Final = re.compile(r"^(.*) - at `(?:key in )?\$\.?([^`]*)`$", re.DOTALL)
_TOML_PLACE: Final = re.compile(r"^(.*?) \(at (?:line (\d+), column \d+|end of document)\)$")


def load_plan(path: Path) -> Plan:
    """Return the plan in the TOML file `path`; what it does not say is the default.

    Raises `PlanError` with file, line and, for a misspelt key, the nearest valid one.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise PlanError(f"cannot read the plan: {error.strerror}", path=path) from error
    except UnicodeDecodeError as error:
        raise PlanError(f"not a plan: {error}", path=path) from error
    return parse_plan(text, path=path)


def parse_plan(text: str, *, path: Path | None = None) -> Plan:
    """Return the plan that `text` spells; `path` is named in a `PlanError`."""
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, text, path) from error
    lines = dict(_lines_of_keys(text))
    version = table.get("version", PLAN_VERSION)
    if isinstance(version, int) and version != PLAN_VERSION:  # before keys that it may have, too
        raise PlanError(
            f"has version {version}; expected version {PLAN_VERSION}, the only one this quorate"
            " reads: use the quorate that wrote it",
            path=path,
            line=_line_of(("version",), lines),
        )
    for place, keys in _tables(table):
        for key in keys:
            if (message := _unknown_key(place, key)) is not None:
                raise PlanError(message, path=path, line=_line_of((*place, key), lines))
    try:
        return msgspec.convert(table, Plan)
    except msgspec.ValidationError as error:
        place, message = _explain(error)
        raise PlanError(message, path=path, line=_line_of(place, lines)) from error


def settings_named_in(text: str) -> tuple[str, ...]:
    """Return the settings that a plan's `text` names itself, as in `workload.rate` or `seed`.

    Raises `PlanError` if it is not TOML.
    """
    try:
        table: dict[str, object] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _not_toml(error, text, None) from error
    return tuple(
        ".".join((*place, key))
        for place, inner in _tables(table)
        for key, value in inner.items()
        if not _is_table(value)
    )


def dump_plan(plan: Plan) -> str:
    """Return the plan as TOML, every default spelled out; what is None is left out."""
    return tomli_w.dumps(_as_table(plan))


def dump_differences(plan: Plan) -> str:
    """Return as TOML what `plan` has otherwise than by default; read back, it is the same plan."""
    table = _without_defaults(_as_table(plan), _as_table(Plan()))
    return tomli_w.dumps(table)


def with_overrides(plan: Plan, overrides: Mapping[str, object]) -> Plan:
    """Return `plan` with settings replaced, named as in `workload.rate` or `seed`.

    Raises `PlanError` for a setting that does not exist or a value that is not allowed.
    """
    table = _as_table(plan)
    for name, value in overrides.items():
        *place, key = name.split(".")
        if (message := _unknown_key(tuple(place), key)) is not None:
            raise PlanError(message)
        inner = table
        for step in place:
            deeper = inner[step]
            assert _is_table(deeper), "a path whose keys are known leads through tables"
            inner = deeper
        inner[key] = value
    try:
        return msgspec.convert(table, Plan)
    except msgspec.ValidationError as error:
        raise PlanError(_explain(error)[1]) from error


def parse_settings(settings: Sequence[str]) -> dict[str, object]:
    """Return overrides, by name, from texts such as `workload.value_bytes=8192`.

    A value is TOML; what is none is taken for a text, which so needs no quotes. Raises
    `PlanError`.
    """
    overrides: dict[str, object] = {}
    for setting in settings:
        name, is_set, value = setting.partition("=")
        if not is_set:
            raise PlanError(f"{setting!r} sets nothing; write it as in workload.value_bytes=8192")
        try:
            overrides[name.strip()] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            overrides[name.strip()] = value.strip()
    return overrides


def _is_table(value: object) -> TypeGuard[dict[str, object]]:
    return isinstance(value, dict)


def _as_table(plan: Plan) -> dict[str, object]:
    table = msgspec.to_builtins(plan)
    assert _is_table(table), "a struct becomes a table"
    return _without_none(table)


def _without_none(table: dict[str, object]) -> dict[str, object]:
    """TOML has no null: a setting that is None is written by its absence."""
    return {
        key: _without_none(value) if _is_table(value) else value
        for key, value in table.items()
        if value is not None
    }


def _without_defaults(table: dict[str, object], defaults: dict[str, object]) -> dict[str, object]:
    left: dict[str, object] = {}
    for key, value in table.items():
        default = defaults.get(key)
        if _is_table(value) and _is_table(default):
            inner = _without_defaults(value, default)
            if inner:
                left[key] = inner
        elif value != default:
            left[key] = value
    return left


def _tables(
    table: dict[str, object], place: KeyPath = ()
) -> Iterator[tuple[KeyPath, dict[str, object]]]:
    """Yield every table with its place, outer before inner."""
    yield place, table
    for key, value in table.items():
        if _is_table(value):
            yield from _tables(value, (*place, key))


def _setting_names(place: KeyPath) -> Sequence[str] | None:
    """Return the keys of the table at `place`; None if there is no such table."""
    struct: type[msgspec.Struct] = Plan
    for step in place:
        types = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
        inner = types.get(step)
        if not (isinstance(inner, type) and issubclass(inner, msgspec.Struct)):
            return None
        struct = inner
    return [field.encode_name for field in msgspec.structs.fields(struct)]


def _unknown_key(place: KeyPath, key: str) -> str | None:
    """Return what to say about a key that no plan has; None if plans have it.

    A key inside what should not be a table is left to the check of types.
    """
    names = _setting_names(place)
    if names is None or key in names:
        return None
    where = f" in [{'.'.join(place)}]" if place else ""
    return f"unknown key {key!r}{where}{did_you_mean(key, names)}"


def _explain(error: msgspec.ValidationError) -> tuple[KeyPath, str]:
    """Return the place of a failed check and a message that names it."""
    found = _FAILURE_PLACE.match(str(error))
    message, dotted = (found[1], found[2]) if found is not None else (str(error), "")
    place = tuple(part for part in re.sub(r"\[[^\]]*\]", "", dotted).split(".") if part)
    cause = error.__cause__
    if isinstance(cause, SettingError):
        return (*place, cause.setting), ".".join((*place, message))
    message = message.replace("`", "").replace("xpected object", "xpected table")
    return place, f"{dotted}: {message[:1].lower()}{message[1:]}" if dotted else message


def _lines_of_keys(text: str) -> Iterator[tuple[KeyPath, int]]:
    """Yield every table header and key with its line, from 1.

    Reads only the forms people write in plans (headers, keys, dotted keys). What it does not see,
    such as a key of an inline table, is reported at the line of the table around it.
    """
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if (header := _TABLE_HEADER.match(line)) is not None:
            table = _key_path(header[1])
            yield table, number
        elif (key := _KEY.match(line)) is not None:
            yield (*table, *_key_path(key[1])), number


def _key_path(dotted: str) -> KeyPath:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))


def _line_of(place: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Return the line of the key at `place`, or of the nearest table around it."""
    for length in range(len(place), 0, -1):
        if (line := lines.get(place[:length])) is not None:
            return line
    return None


def _not_toml(error: tomllib.TOMLDecodeError, text: str, path: Path | None) -> PlanError:
    found = _TOML_PLACE.match(str(error))
    if found is None:
        return PlanError(f"not TOML: {error}", path=path)
    line = int(found[2]) if found[2] is not None else max(1, len(text.splitlines()))
    return PlanError(f"not TOML: {found[1]}", path=path, line=line)
