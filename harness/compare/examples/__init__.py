"""Comparisons that ship: each a folder of plans, the first by name compared with the others."""

from importlib import resources
from pathlib import Path
from typing import Final

FOLDER: Final = Path(str(resources.files("harness.compare.examples")))


def example_names() -> tuple[str, ...]:
    """Return the names of the comparisons that ship."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/1-*.toml")))
