"""The page as a browser shows it: on a phone and on a desk, in light and dark, and on paper."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from limbeck.report import html
from limbeck.report.schema import Report
from tests.report import browser, sample_report
from tests.report.browser import Browser, Visit

NASTY = "<script>alert(1)</script> 日本語 W_" + 60 * "W" + " \u202eleft & 'right\""
REPORTS = {
    "whole": sample_report.whole(),
    "refused": sample_report.refused(),
    "failed": sample_report.failed(),
    "nasty": sample_report.nasty(NASTY),
}
WIDTHS = (360, 1200)
# Of every direct label: in which picture it is, and its rectangle.
LABELS = """[...document.querySelectorAll("svg.chart")].flatMap((picture, index) =>
  [...picture.querySelectorAll("text.label")].map(label => {
    const box = label.getBoundingClientRect();
    return [index, box.left, box.top, box.right, box.bottom];
  }))"""
# The least ratio of contrast between a text and what is behind it, and the element that holds the text.
CONTRAST = """(() => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 1, height: 1}).getContext("2d");
  const light = (...colours) => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); }
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3)
      .map(value => value / 255).map(value => value <= .03928 ? value / 12.92 : ((value + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const written = element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const paper = getComputedStyle(document.body).backgroundColor;
  return [...document.querySelectorAll("body *")]
    .filter(element => written(element) && !["TITLE", "DESC"].includes(element.tagName.toUpperCase()))
    .map(element => {
      const behind = [];
      for (let one = element; one; one = one.parentElement) behind.unshift(getComputedStyle(one).backgroundColor);
      const style = getComputedStyle(element);
      const ground = light(paper, ...behind);
      const ink = light(paper, ...behind, element.closest("svg") ? style.fill : style.color);
      return [(Math.max(ink, ground) + .05) / (Math.min(ink, ground) + .05), element.outerHTML.slice(0, 80)];
    })
    .sort((one, other) => one[0] - other[0])[0];
})()"""

pytestmark = pytest.mark.processes


def find_or_give_up() -> str:
    """The path of a browser; without one the test fails where one is required, and is skipped elsewhere."""
    program = browser.find()
    if program is not None:
        return program
    said = f"no browser: none of {', '.join(browser.NAMES)} is on PATH; install the package 'chromium'"
    if os.environ.get("CI") or os.environ.get("LIMBECK_BROWSER") == "required":
        pytest.fail(said)
    pytest.skip(said)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests."""
    program = find_or_give_up()
    with browser.running(program, tmp_path_factory.mktemp("profile")) as running:
        yield running


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each report."""
    folder = tmp_path_factory.mktemp("pages")
    return {name: write(folder / f"{name}.html", report) for name, report in REPORTS.items()}


def write(path: Path, report: Report) -> Path:
    path.write_text(html.render(report), encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=itertools.product(REPORTS, WIDTHS), ids=lambda one: f"{one[0]}-{one[1]}")
def opened(request: pytest.FixtureRequest, chromium: Browser, pages: dict[str, Path]) -> Iterator[Visit]:
    """Each page, at each width."""
    name, width = request.param
    with browser.visit(chromium, pages[name], width) as visit:
        yield visit


def test_a_page_asks_for_nothing_and_the_browser_has_no_complaint(opened: Visit):
    (request,) = opened.requests
    assert request.startswith("file:")
    assert opened.complaints == []
    assert opened.tab.evaluate("document.scripts.length") == 0


def test_nothing_runs_off_the_side(opened: Visit):
    assert opened.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_no_two_labels_of_a_picture_overlap(opened: Visit):
    labels = opened.tab.evaluate(LABELS)
    if "failed" not in opened.requests[0]:
        assert len({picture for picture, *_ in labels}) == 2
        assert len(labels) >= 8
    for (first, *one), (second, *other) in itertools.combinations(labels, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert first != second or apart, (one, other)


def test_a_page_can_be_printed(opened: Visit):
    printed = opened.tab.pdf()

    assert printed.startswith(b"%PDF-")
    assert len(printed) > 5_000


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(chromium: Browser, pages: dict[str, Path], dark: bool):
    with browser.visit(chromium, pages["whole"], 1200, dark) as visit:
        paper = visit.tab.evaluate("getComputedStyle(document.body).backgroundColor")
        least, where = visit.tab.evaluate(CONTRAST)

    assert (paper == "rgb(255, 255, 255)") == (not dark)
    # What the Web Content Accessibility Guidelines, level AA, ask of small texts.
    assert least >= 4.5, where


def test_the_browser_reports_what_these_tests_look_for(chromium: Browser, tmp_path: Path):
    bad = tmp_path / "bad.html"
    bad.write_text(
        "<!DOCTYPE html><body style='background: #fff'><img src='missing.png'>"
        "<script>console.error('no'); undefined_name()</script><p style='width: 2000px; color: #aaa'>wide</p>"
        "<svg class='chart'><text class='label' y='9'>a</text></svg>"
    )

    with browser.visit(chromium, bad, 360) as visit:
        assert [request.rpartition("/")[2] for request in visit.requests] == ["bad.html", "missing.png"]
        assert len(visit.complaints) >= 2
        assert not visit.tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert len(visit.tab.evaluate(LABELS)) == 1
        # Of #aaaaaa on white: 1.05 / (((170 / 255 + 0.055) / 1.055) ** 2.4 + 0.05).
        assert visit.tab.evaluate(CONTRAST)[0] == pytest.approx(2.32, abs=0.01)


@pytest.mark.parametrize(
    ("variable", "value", "ends"),
    [
        ("CI", "true", pytest.fail.Exception),
        ("LIMBECK_BROWSER", "required", pytest.fail.Exception),
        ("LIMBECK_BROWSER", "", pytest.skip.Exception),
    ],
)
def test_without_a_browser_these_tests_fail_where_one_is_required(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, ends: type[BaseException]
):
    for name in ("CI", "LIMBECK_BROWSER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("PATH", "/nowhere")

    with pytest.raises(ends, match="no browser: none of chromium"):
        find_or_give_up()
