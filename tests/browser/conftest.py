"""Chromium without a window, driven by selenium."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
WIDTH, HEIGHT = 1400, 1000


@pytest.fixture(scope="session")
def browser() -> Iterator[Chrome]:
    """Yield a browser that fetches nothing over a network but from this machine."""
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in (
        "--headless=new",
        "--no-sandbox",  # as root, in CI
        "--disable-dev-shm-usage",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--window-size={WIDTH},{HEIGHT}",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options=options, service=Service(DRIVER)) as driver:
        driver.set_script_timeout(60)
        yield driver


def complaints_of(browser: Chrome) -> list[object]:
    """Return what pages said on the console since it was asked last."""
    found: list[object] = browser.get_log("browser")  # type: ignore[no-untyped-call]
    return found


@pytest.fixture(autouse=True)
def quiet_console(browser: Chrome) -> Iterator[None]:
    """Fail a test in which the page complained on the console."""
    complaints_of(browser)
    yield
    assert complaints_of(browser) == []


@pytest.fixture(scope="session")
def screenshots(request: pytest.FixtureRequest) -> Path:
    """Return where pictures of the pages go, for people to look at."""
    folder = request.config.rootpath / "runs" / "screenshots"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
