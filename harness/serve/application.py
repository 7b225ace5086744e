"""The web application: three pages, read-only, on loopback unless told otherwise.

Reports are made when they are asked for, from what is in the run's directory then, and kept until
its `results.json` changes. A page says what is wrong with a run that cannot be read.
"""

from pathlib import Path
from typing import Final

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from harness.errors import UsageError
from harness.report.page import report_html
from harness.report.recorded import load_run
from harness.serve.catalogue import READING_ERRORS, Wanted, list_runs
from harness.serve.pages import SERVED, error_page, index_page, pair_page
from harness.serve.pair import Summary, summary_of

REPORTS_KEPT: Final = 20


def application(folder: Path, hosts: tuple[str, ...]) -> Starlette:
    """Return the application that shows the runs in `folder`.

    It answers only to those who call it by one of `hosts`, so that a page from elsewhere cannot
    read it through a name of its own (DNS rebinding).
    """
    pages = _Pages(folder)
    return Starlette(
        routes=[
            Route("/", pages.index),
            Route("/run/{name}", pages.report),
            Route("/compare", pages.pair),
        ],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts))],
    )


class _Pages:
    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder
        self._reports: Final[dict[tuple[str, int], str]] = {}

    async def index(self, request: Request) -> Response:
        """Answer with the list of runs."""
        asked = request.query_params
        wanted = Wanted(
            text=asked.get("text", ""),
            verdict=asked.get("verdict", ""),
            system=asked.get("system", ""),
            workload=asked.get("workload", ""),
            fault=asked.get("fault", ""),
        )
        runs = await run_in_threadpool(list_runs, self._folder)
        return HTMLResponse(index_page(runs, wanted, SERVED))

    async def report(self, request: Request) -> Response:
        """Answer with the report of a run."""
        try:
            text = await run_in_threadpool(self._report, str(request.path_params["name"]))
        except READING_ERRORS as error:
            return _refusal(error)
        return HTMLResponse(text)

    async def pair(self, request: Request) -> Response:
        """Answer with two runs side by side."""
        names = request.query_params.getlist("run")
        if len(names) != 2:
            return _refusal(UsageError("choose two runs to compare"))
        try:
            runs = [await run_in_threadpool(self._summary, name) for name in names]
        except READING_ERRORS as error:
            return _refusal(error)
        return HTMLResponse(pair_page(runs, SERVED, can_choose=False))

    def _report(self, name: str) -> str:
        path = self._path(name)
        results = path / "results.json"
        key = name, results.stat().st_mtime_ns if results.exists() else 0
        if key not in self._reports:
            while len(self._reports) >= REPORTS_KEPT:
                self._reports.pop(next(iter(self._reports)), None)
            text = report_html(load_run(path))
            if not results.exists():
                return text  # the run may still be under way
            self._reports[key] = text
        return self._reports[key]

    def _summary(self, name: str) -> Summary:
        return summary_of(load_run(self._path(name)))

    def _path(self, name: str) -> Path:
        """Return where the run called `name` is; raises `UsageError` for any other place."""
        path = self._folder / name
        if path.parent != self._folder or name in ("", ".", ".."):
            raise UsageError("that is not the name of a run")
        return path


def _refusal(error: Exception) -> HTMLResponse:
    return HTMLResponse(error_page(str(error), SERVED), status_code=404)
