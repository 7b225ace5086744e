"""The pages: the list of runs, and two runs side by side. A run's own page is its report."""

from collections.abc import Sequence
from typing import Final

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.page import asset, embedded
from harness.report.recorded import Recorded
from harness.report.sentence import headline
from harness.serve.catalogue import Choices, Listed, Wanted, choices_of
from harness.serve.pair import checks_rows, figures_rows, settings_rows

ROWS_MAX: Final = 2000
"""Runs on one page; the latest. Filters choose among all."""


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """How pages refer to one another: served, or as files beside each other."""

    index: str
    report: str
    """With `{}` for the run's name."""
    pair: str | None
    """None where two runs cannot be compared: a page for each pair of files would be too many."""


SERVED: Final = Links(index="/", report="/run/{}", pair="/compare")
EXPORTED: Final = Links(index="index.html", report="{}.html", pair=None)


def index_page(runs: Sequence[Listed], wanted: Wanted, links: Links) -> str:
    """Return the list of those runs that are wanted."""
    choices: Choices = choices_of(runs)
    found = [run for run in runs if wanted.matches(run)]
    return (
        _templates()
        .get_template("index.html.jinja")
        .render(
            styles=_styles(),
            script=Markup(asset("filter.js")),
            runs=found[:ROWS_MAX],
            found_count=len(found),
            all_count=len(runs),
            wanted=wanted,
            choices=choices,
            links=links,
            listed=embedded([msgspec.to_builtins(run) for run in found[:ROWS_MAX]]),
        )
    )


def pair_page(first: Recorded, second: Recorded, links: Links) -> str:
    """Return two runs side by side."""
    return (
        _templates()
        .get_template("pair.html.jinja")
        .render(
            styles=_styles(),
            runs=(first, second),
            headlines=(headline(first), headline(second)),
            settings=settings_rows(first.plan, second.plan),
            figures=figures_rows(first, second),
            checks=checks_rows(first, second),
            links=links,
        )
    )


def error_page(message: str, links: Links) -> str:
    """Return what is said instead of a page that cannot be."""
    return (
        _templates()
        .get_template("error.html.jinja")
        .render(styles=_styles(), message=message, links=links)
    )


def _styles() -> Markup:
    return Markup(asset("page.css"))


def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("harness.serve"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
