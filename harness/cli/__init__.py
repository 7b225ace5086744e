"""The command line, `quorate`: one module per command."""

from harness.cli.app import main

__all__ = ["main"]
