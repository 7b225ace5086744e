"""The pages: the list of runs, and two runs side by side. A run's own page is its report."""

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from harness.report.page import asset, embedded
from harness.serve.catalogue import Choices, Listed, Wanted, choices_of
from harness.serve.pair import Summary, default_settings

ROWS_MAX: Final = 2000
"""Runs on one page; the latest. Filters choose among all."""


class Links(msgspec.Struct, frozen=True, kw_only=True):
    """How pages refer to one another: served, or as files beside each other."""

    index: str
    report: str
    """With `{}` for the run's name."""
    pair: str
    """Takes the names of two runs, `?run=ONE&run=OTHER`: a server reads them, or a script."""


SERVED: Final = Links(index="/", report="/run/{}", pair="/compare")
EXPORTED: Final = Links(index="index.html", report="run/{}.html", pair="compare.html")
BELOW_EXPORTED: Final = Links(index="../index.html", report="{}.html", pair="../compare.html")
"""The same, from a run's own page."""


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


def pair_page(runs: Sequence[Summary], links: Links, *, can_choose: bool) -> str:
    """Return the page that puts two of `runs` side by side: those that its address names.

    If `can_choose`, others can be chosen on it.
    """
    summaries = [
        msgspec.structs.asdict(run) | {"href": quote(links.report.format(run.name))} for run in runs
    ]
    return (
        _templates()
        .get_template("pair.html.jinja")
        .render(
            styles=_styles(),
            script=Markup(asset("pair.js")),
            summaries=embedded({"defaults": default_settings(), "runs": summaries}),
            can_choose=can_choose,
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
