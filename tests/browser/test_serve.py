"""The list of runs in a real browser: it filters as one types, without a server, too."""

from pathlib import Path

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select

from harness.serve.export import export
from tests.harness.report import recorded_runs

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    recorded_runs.healthy_run(folder)
    recorded_runs.unlinearizable_run(folder)
    *_, index = export(folder, folder.parent / "pages")
    return index


def shown(browser: Chrome) -> list[str]:
    rows = browser.find_elements(By.CSS_SELECTOR, "#runs tbody tr")
    return [row.find_element(By.CLASS_NAME, "badge").text for row in rows if row.is_displayed()]


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

    assert browser.find_element(By.ID, "lanes").is_displayed()
