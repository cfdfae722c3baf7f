"""The pages beside the report: well-formed, complete in themselves, and with the figures that they are given."""

from __future__ import annotations

import math

import pytest

from limbeck.report import html
from limbeck.report.html import Link
from limbeck.report.pages import slices, statistics
from limbeck.report.pages.slices import SliceMetrics
from limbeck.report.pages.statistics import Column, Numbers, Split, Texts
from tests.report import sample_report
from tests.report.test_report import Page

HOSTILE = "<script>alert('x')</script>"
NUMBERS = Numbers(-1.5, 0.25, 1234567.0, 0.5, 2.0, 7, (1.0, 4.0, 0.0))
SPLITS = (
    Split(
        "train",
        200,
        (
            Column("age", 200, 50, NUMBERS),
            Column("town", 200, 0, Texts(12, (("Bonn", 90), (HOSTILE, 2), ("", 1)))),
            Column("gone", 200, 200, None),
        ),
    ),
    Split("test", 1, (Column("age", 1, 0, NUMBERS), Column("town", 1, 1, None))),
)
METRICS = (
    SliceMetrics((("hour", "10"),), 5, {"accuracy": 0.75}, {"accuracy": 0.5, "auc": math.nan}),
    SliceMetrics((("hour", "9"),), 7, {"accuracy": 0.5, "auc": 0.5}, {"accuracy": 0.75, "auc": 0.25}),
    SliceMetrics((), 1200, {"accuracy": 0.5, "auc": 0.5}, {"accuracy": 0.5, "auc": 0.5}),
    SliceMetrics((("town", HOSTILE),), 2, {}, {}),
)
PAGES = {"statistics": statistics.render("wine", SPLITS), "slices": slices.render("wine", METRICS)}


class Cells(Page):
    """A page whose text has a space before each element."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        super().handle_starttag(tag, attributes)
        self.text += " "


def words(page: str) -> str:
    """The text of a page, with one space between words."""
    return " ".join(Cells(page).text.split())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_well_formed_and_loads_nothing(name: str):
    page = Page(PAGES[name])

    assert "script" not in page.tags
    assert not {"link", "img", "iframe"} & set(page.tags)
    assert not [value for _, value in page.attributes if value and "://" in value]
    assert ("href", "report.html") in page.attributes
    assert HOSTILE in page.text
    assert "wine" in page.text


def test_each_column_is_shown_in_each_split_with_its_figures():
    text = words(PAGES["statistics"])

    assert "train: 200 rows, test: 1 row." in text
    assert "age train 50 (25.0 %) 7 -1.5 0.25 1.2346e+06 0.5 2" in text
    assert "town train 0 12 Bonn 90, <script>" in text
    assert "(empty) 1" in text
    assert "test 1 (100.0 %) no texts" in text
    assert "gone train 200 (100.0 %) no numbers or texts" in text


def test_bars_are_as_high_as_their_share_of_the_highest():
    heights = [value for name, value in Page(PAGES["statistics"]).attributes if name == "height" and value != "20"]

    assert heights[:3] == ["0.250", "1.000", "0.000"]


def test_slices_are_in_the_order_of_their_values_with_all_examples_first():
    text = words(PAGES["slices"])

    assert "slice examples accuracy auc" in text
    assert (
        "all examples 1,200 0.5000 0.5000 +0.0000 0.5000 0.5000 +0.0000 "
        "hour = 9 7 0.5000 0.7500 +0.2500 0.5000 0.2500 -0.2500 "
        "hour = 10 5 0.7500 0.5000 -0.2500 undefined undefined undefined"
    ) in text


def test_the_report_links_the_pages_that_there_are_and_no_others():
    report = sample_report.whole()
    linked = Page(html.render(report, links=[Link("statistics.html", "Statistics")]))

    assert ("href", "statistics.html") in linked.attributes
    assert "Further pages" not in html.render(report)
