"""The rules of style that ruff and mypy cannot state, as tests over the source itself."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("harness", "nodeimpl", "nemesis", "checkers")
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
BANNED_MODULE_NAMES = {"utils", "util", "helpers", "helper", "manager", "common", "misc", "data"}
# The recorder's neighbours meet the real world; everything else is deterministic.
REAL_WORLD = {"harness/cli", "harness/doctor.py"}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if not path.name.endswith("_pb2.py"):
                yield path


def parameters(*folders: str) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in sources(*folders)]


every_module = pytest.mark.parametrize("path", parameters(*PACKAGES))
every_source = pytest.mark.parametrize("path", parameters(*PACKAGES, "tests", "benchmarks"))


def places(path: Path, found: list[int]) -> list[str]:
    return [f"{path.relative_to(ROOT)}:{line}" for line in found]


def iterates_over_a_set(node: ast.AST) -> bool:
    iterated = node.iter if isinstance(node, ast.For | ast.comprehension) else None
    return isinstance(iterated, ast.Set | ast.SetComp) or (
        isinstance(iterated, ast.Call)
        and isinstance(iterated.func, ast.Name)
        and iterated.func.id in {"set", "frozenset"}
    )


def calls_hash(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in {"hash", "id"}
    )


@every_module
def test_a_module_is_short_enough_to_read(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MODULE_LINES_MAX


@every_module
def test_a_function_fits_on_a_screen(path: Path) -> None:
    tree = ast.parse(path.read_text())
    long = [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= FUNCTION_LINES_MAX
        and "# long:" not in path.read_text().splitlines()[node.lineno - 1]
    ]
    assert places(path, long) == []


@every_module
def test_nothing_depends_on_hashes_or_identities(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.Call) and calls_hash(node)
    ]
    assert places(path, found) == []


@every_module
def test_no_loop_runs_over_a_set(path: Path) -> None:
    tree = ast.parse(path.read_text())
    found = [
        node.iter.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.For | ast.comprehension) and iterates_over_a_set(node)
    ]
    assert places(path, found) == []


@every_source
def test_nothing_is_left_for_later(path: Path) -> None:
    unfinished = re.compile(
        "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "Not" + "Implemented"))
    )
    found = [
        number
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if unfinished.search(line)
    ]
    assert places(path, found) == []


@every_source
def test_a_module_is_named_for_what_it_holds(path: Path) -> None:
    assert path.stem not in BANNED_MODULE_NAMES


def test_every_package_says_what_it_is_for() -> None:
    folders = {path.parent for path in sources(*PACKAGES)}
    silent = [
        str(folder.relative_to(ROOT))
        for folder in sorted(folders)
        if not (folder / "__init__.py").exists()
        or ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) is None
    ]
    assert silent == []


def test_tests_mirror_the_packages() -> None:
    """Every package has a folder of tests, and no folder of tests outlives its package."""
    folders = {
        path.parent.relative_to(ROOT / "tests")
        for path in sources("tests")
        if path.relative_to(ROOT / "tests").parts[0] in PACKAGES
    }
    orphans = [str(folder) for folder in sorted(folders) if not (ROOT / folder).is_dir()]
    assert orphans == []
