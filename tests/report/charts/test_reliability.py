"""Circles where confidence and accuracy put them."""

import pytest

from limbeck.report.charts.reliability import AREA, radius, reliability
from limbeck.report.findings import ReliabilityBin
from tests.report.charts import drawing

BINS = (ReliabilityBin(0.5, 0.6, 10, 0.55, 0.5), ReliabilityBin(0.9, 1.0, 90, 0.95, 1.0))


def test_circles_and_their_gaps_to_the_diagonal():
    root = drawing.read(reliability("name", "student", "title", BINS))

    side_x, side_y = AREA.right - AREA.left, AREA.bottom - AREA.top
    circles, gaps = list(root.iter("circle")), drawing.of_class(root, "gap")
    for one, circle, gap in zip(BINS, circles, gaps, strict=True):
        x, y = AREA.left + side_x * one.confidence, AREA.bottom - side_y * one.accuracy
        on_diagonal = AREA.bottom - side_y * one.confidence
        assert drawing.number(circle, "cx", "cy") == pytest.approx((x, y), abs=0.01)
        assert drawing.number(gap, "x1", "y1", "x2", "y2") == pytest.approx((x, on_diagonal, x, y), abs=0.01)
    said = (circles[0][0].text or "").replace("\u00a0", " ")
    assert said == "10 examples: 55.0 % sure, right in 50.0 %"


def test_areas_grow_with_the_examples_but_none_vanishes():
    assert radius(400, 400) ** 2 == pytest.approx(4 * radius(100, 400) ** 2)
    assert radius(1, 1_000_000) > 2
