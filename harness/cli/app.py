"""The `quorate` command: its subcommands, and which exit code an error becomes.

Exit codes: 0 VALID, 1 INVALID, 2 UNKNOWN, 3 harness or environment failure, 64 usage or unreadable
input. Errors are one line on standard error; a traceback is always a bug of ours.
"""

import signal
import sys
from typing import Final, NoReturn

import click

from checkers.verdict import Answer
from harness.cli.certs import certs
from harness.cli.check import check
from harness.cli.compare import compare
from harness.cli.convert import convert
from harness.cli.doctor import doctor
from harness.cli.exit_codes import EXIT_INTERRUPTED, EXIT_USAGE, exit_code_of
from harness.cli.explore import explore
from harness.cli.fetch_etcd import fetch_etcd
from harness.cli.gate import gate
from harness.cli.listing import list_command
from harness.cli.mutants import mutants
from harness.cli.node import node
from harness.cli.replay import replay
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.serve import serve
from harness.cli.shrink import shrink_command

_EXIT_CODES: Final = {Answer.VALID: 0, Answer.INVALID: 1, Answer.UNKNOWN: 2}


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 VALID, 1 INVALID, 2 UNKNOWN, 3 harness failure, 64 usage or bad input.",
)
@click.version_option(package_name="quorate")
def quorate() -> None:
    """Prove from what clients saw whether an etcd-like store kept its promises.

    \b
    quorate run                 one trial in simulation, faults included, and its verdict
    quorate run --seed 7        the same trial for everybody, bit for bit
    quorate run --env local --system etcd    the same on real daemons
    quorate check history.edn   judge a history that any tool recorded
    quorate replay runs/...     repeat a run; say where it diverged, if it did
    quorate report runs/...     what a run came to, as one page
    quorate shrink runs/...     find the smallest trial that fails in the same way
    quorate explore             try many seeds, and tell apart what they find
    quorate compare A B         the same load under several plans: what differs
    quorate gate suite.toml     everything a CI needs, with one exit code
    quorate serve               browse all runs
    quorate mutants             plant known bugs, and see that they are found
    quorate node --name n1      one member of a real cluster, with etcd's flags
    """  # noqa: D301 - \b keeps the lines below it apart


for command in (
    run,
    check,
    convert,
    replay,
    shrink_command,
    explore,
    report,
    compare,
    gate,
    serve,
    mutants,
    list_command,
    doctor,
    fetch_etcd,
    node,
    certs,
):
    quorate.add_command(command)


def main(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit with its code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        answer: object = quorate.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(EXIT_USAGE)
    except click.Abort:
        sys.exit(EXIT_INTERRUPTED)
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)
    except Exception as error:
        code = exit_code_of(error)
        if code is None:
            raise
        _fail(error, code)
    if isinstance(answer, Answer):
        sys.exit(_EXIT_CODES[answer])
    sys.exit(answer if isinstance(answer, int) else 0)  # click returns what `Exit` was raised with


def _fail(error: Exception, code: int) -> NoReturn:
    print(f"quorate: {error}", file=sys.stderr)  # noqa: T201 - this is where errors are printed
    sys.exit(code)
