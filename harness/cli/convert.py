"""`quorate convert`: a history in another format, for other tools."""

from pathlib import Path

import click

from checkers.formats.detect import Format, detect, read_history
from checkers.formats.edn_writer import write_edn
from checkers.history_file import write_history
from harness.errors import UsageError

_TARGETS = ("edn", "quorate")


@click.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option(
    "--to",
    "target_format",
    type=click.Choice(_TARGETS),
    help="What to write: EDN as Knossos and Elle read it, or our own JSON lines; told from the"
    " ending of OUT unless given.",
)
@click.option(
    "--format",
    "source_format",
    type=click.Choice([each.value for each in Format]),
    help="The format of IN; told from its content unless given.",
)
def convert(
    source: Path, target: Path, target_format: str | None, source_format: str | None
) -> None:
    """Write the history IN to OUT in another format.

    \b
    quorate convert history.jsonl history.edn
    quorate convert --to quorate elle.json history.jsonl
    """  # noqa: D301 - \\b keeps the lines below it apart
    if not source.exists():
        raise UsageError("no such file", path=source)
    history = read_history(source, Format(source_format) if source_format else detect(source))
    try:
        if (target_format or _told_from(target)) == "edn":
            write_edn(target, history)
        else:
            write_history(target, history.ops, {"origin": source.name})
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror}", path=target) from error
    click.echo(f"{target}: {len(history)} ops")


def _told_from(target: Path) -> str:
    match target.suffix:
        case ".edn":
            return "edn"
        case ".jsonl" | ".json":
            return "quorate"
        case _:
            raise UsageError(f"name the format to write with --to ({', '.join(_TARGETS)})")
