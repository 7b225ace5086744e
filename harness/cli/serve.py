"""`quorate serve`: browse runs."""

from pathlib import Path
from typing import Final

import click

from harness.cli.run import DEFAULT_OUT
from harness.errors import UsageError
from harness.serve.catalogue import list_runs
from harness.serve.export import export

LOOPBACK: Final = "127.0.0.1"
PORT: Final = 8080
_LOCAL_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")


@click.command()
@click.argument("folder", metavar="[DIR]", default=DEFAULT_OUT, type=click.Path(path_type=Path))
@click.option(
    "--host",
    default=LOOPBACK,
    show_default=True,
    help="Where to listen. Whoever reaches it can read every run; there is no password.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True)
@click.option(
    "--export",
    "out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Write the same pages as files there, and serve nothing.",
)
def serve(folder: Path, host: str, port: int, out: Path | None) -> None:
    """Browse the runs in DIR: search, filter by verdict, system, workload and fault, compare two.

    \b
    quorate serve
    quorate serve runs --export pages
    """  # noqa: D301 - \b keeps the lines below it apart
    if out is not None:
        count = sum(1 for _ in export(folder, out))
        click.echo(f"export: {out / 'index.html'} ({count} pages)")
        return
    runs = list_runs(folder)
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from harness.serve.application import application  # noqa: PLC0415 - starlette is an extra
    except ImportError as error:
        raise UsageError("serving needs more: pip install 'quorate[serve]'") from error
    hosts = _LOCAL_NAMES if host in _LOCAL_NAMES else ("*",)
    click.echo(f"serve: {len(runs)} runs on http://{host}:{port} (Ctrl-C ends)")
    uvicorn.run(application(folder, hosts), host=host, port=port, log_level="warning")
