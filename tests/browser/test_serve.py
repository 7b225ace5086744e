"""The list of runs in a real browser: it filters and compares without a server, too."""

import shutil
from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import visibility_of_element_located
from selenium.webdriver.support.select import Select
from selenium.webdriver.support.wait import WebDriverWait

from harness.serve.export import export
from tests.harness.report import recorded_runs

pytestmark = pytest.mark.browser


ODD_NAME = "<i>&twice; a=b"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of two runs, `healthy` and `broken`."""
    folder = tmp_path_factory.mktemp("runs")
    recorded_runs.healthy_run(folder).rename(folder / "healthy")
    recorded_runs.unlinearizable_run(folder).rename(folder / "broken")
    return folder


@pytest.fixture(scope="module")
def index(recorded: Path) -> Path:
    """Return the list of `recorded`, exported."""
    *_, index = export(recorded, recorded.parent / "pages")
    return index


@pytest.fixture(scope="module")
def compare(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the page that compares, with a run whose name is no plain word."""
    folder = tmp_path_factory.mktemp("odd")
    for name in ("healthy", "broken"):
        shutil.copytree(recorded / name, folder / name)
    (folder / "broken").rename(folder / ODD_NAME)
    *_, index = export(folder, folder.parent / "odd-pages")
    return index.with_name("compare.html")


def shown(browser: Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#runs tbody tr")
    return [row.find_element(By.CLASS_NAME, "badge").text for row in rows if row.is_displayed()]


def wait_for(browser: Chrome, selector: str) -> None:
    """Wait until the page that was asked for shows such an element."""
    WebDriverWait(browser, 30).until(
        visibility_of_element_located((By.CSS_SELECTOR, selector)), f"no {selector}"
    )


def test_the_list_filters_as_one_types(browser: Chrome, index: Path, screenshots: Path) -> None:
    browser.get(index.as_uri())
    assert sorted(shown(browser)) == ["INVALID", "VALID"]
    browser.save_screenshot(str(screenshots / "index.png"))

    browser.find_element(By.ID, "text").send_keys("cannot be explained")
    assert shown(browser) == ["INVALID"]

    browser.find_element(By.ID, "text").clear()
    browser.find_element(By.ID, "text").send_keys(" ")
    Select(browser.find_element(By.NAME, "verdict")).select_by_visible_text("VALID")
    assert shown(browser) == ["VALID"]


def test_a_run_of_the_list_opens_its_report(browser: Chrome, index: Path) -> None:
    browser.get(index.as_uri())

    browser.find_element(By.CSS_SELECTOR, "#runs a").click()

    wait_for(browser, "#lanes")


def test_two_runs_that_are_ticked_are_compared_without_a_server(
    browser: Chrome, index: Path, screenshots: Path
) -> None:
    browser.get(index.as_uri())
    button = browser.find_element(By.CSS_SELECTOR, "#two button")
    ticks = browser.find_elements(By.CSS_SELECTOR, "#runs [type=checkbox]")
    assert not button.is_enabled()
    ticks[0].click()
    assert not button.is_enabled()
    ticks[1].click()

    button.click()

    heads, (settings, figures, checks) = compared(browser)
    assert sorted(heads) == ["broken", "healthy"]
    order = 1 if heads[0] == "broken" else -1
    assert settings["mutant"][::order] == ["txn-judged-afterwards", ""]
    assert "environment" not in settings
    assert all(figures["longest silence ms"])
    assert checks["linearizability"][::order] == ["INVALID", "VALID"]
    browser.save_screenshot(str(screenshots / "pair.png"))


def test_other_runs_can_be_chosen_on_the_page_that_compares(browser: Chrome, compare: Path) -> None:
    browser.get(compare.as_uri())
    assert "Choose two runs" in browser.find_element(By.ID, "pair").text

    first, second = browser.find_elements(By.CSS_SELECTOR, "#choose select")
    Select(first).select_by_value(ODD_NAME)
    Select(second).select_by_value("healthy")
    browser.find_element(By.CSS_SELECTOR, "#choose button").click()

    heads, _ = compared(browser)
    assert heads == [ODD_NAME, "healthy"]
    browser.find_element(By.LINK_TEXT, ODD_NAME).click()
    wait_for(browser, "#lanes")


def test_a_run_that_is_not_there_is_named_and_nothing_else(browser: Chrome, compare: Path) -> None:
    browser.get(compare.as_uri() + "?run=healthy&run=<img src=x onerror=alert(1)>")

    said = browser.find_element(By.ID, "pair").text
    assert said == "There is no run here that is named <img src=x onerror=alert(1)>."


def compared(browser: Chrome) -> tuple[list[str], list[dict[str, list[str]]]]:
    """Return the names of two runs, and what the tables say of them: settings, figures, checks."""
    wait_for(browser, "#pair table")
    heads = [link.text for link in browser.find_elements(By.CSS_SELECTOR, "#pair h2 a")]
    tables = []
    for table in browser.find_elements(By.CSS_SELECTOR, "#pair table"):
        rows = table.find_elements(By.CSS_SELECTOR, "tbody tr")
        cells = [[cell.text for cell in row.find_elements(By.TAG_NAME, "td")] for row in rows]
        tables.append({name: values for name, *values in cells})
    return heads, tables
