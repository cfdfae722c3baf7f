"""Markers where the formula puts them."""

import math
from xml.etree.ElementTree import Element

import pytest

from limbeck.report.charts.scatter import AREA, Point, Texts, scatter
from tests.report.charts import drawing

TEXTS = Texts("title", "size", "accuracy", lambda value: f"{value:g} B", lambda value: f"{value:g}")
MARGIN = 0.12


def centre(marker: Element) -> tuple[float, float]:
    """Of a circle, or of the box around a polygon."""
    if marker.tag == "circle":
        return drawing.number(marker, "cx", "cy")
    corners = [tuple(map(float, corner.split(","))) for corner in marker.attrib["points"].split()]
    return tuple((min(values) + max(values)) / 2 for values in zip(*corners, strict=True))


def test_markers_stand_where_logarithm_and_line_put_them():
    figures = {"one": (1e3, 0.5), "two": (1e4, 0.9), "three": (1e6, 0.6)}
    points = [Point(label, "student", *figure, "words") for label, figure in figures.items()]

    root = drawing.read(scatter("name", points, TEXTS))

    groups = drawing.of_class(root, "point")
    wide, high = AREA.right - AREA.left, AREA.bottom - AREA.top
    decades, range_ = 3 * (1 + 2 * MARGIN), 0.4 * (1 + 2 * MARGIN)
    for group, (x, y) in zip(groups, figures.values(), strict=True):
        across = AREA.left + wide * (math.log10(x / 1e3) + 3 * MARGIN) / decades
        up = AREA.bottom - high * (y - 0.5 + 0.4 * MARGIN) / range_
        assert centre(drawing.of_class(group, "marker")[0]) == pytest.approx((across, up), abs=0.02)


def test_a_marker_says_its_name_and_figures():
    root = drawing.read(scatter("name", [Point("<b>", "teacher", 1.0, 0.5, "50 % at 1 B")], TEXTS))

    (marker,) = drawing.of_class(root, "marker")
    assert marker[0].text == "<b>: 50 % at 1 B"
    assert "<b>" in drawing.texts(root)
    assert root[1].text == "<b>: 50 % at 1 B"


@pytest.mark.parametrize(
    ("x_limit", "y_limit", "lines"), [(None, None, 0), (1e9, 0.1, 0), (5.0, None, 1), (5.0, 0.7, 2)]
)
def test_limits_are_drawn_where_they_lie_near_the_points(x_limit: float | None, y_limit: float | None, lines: int):
    points = [Point("a", "student", 1.0, 0.5, ""), Point("b", "teacher", 10.0, 0.9, "")]

    root = drawing.read(scatter("name", points, TEXTS, x_limit, y_limit))

    drawn = [element for element in drawing.of_class(root, "limit") if element.tag == "line"]
    assert len(drawn) == drawing.texts(root).count("gate") == lines
    for line in drawn:
        x1, x2, y1, y2 = drawing.number(line, "x1", "x2", "y1", "y2")
        assert (x1 == x2) != (y1 == y2)


def test_a_label_that_had_to_move_is_tied_to_its_point():
    points = [Point(str(index), "student", 1.0, 0.5, "") for index in range(3)]

    root = drawing.read(scatter("name", [*points, Point("far", "teacher", 10.0, 0.9, "")], TEXTS))

    assert len(drawing.of_class(root, "label")) == 4
    assert len(drawing.of_class(root, "leader")) >= 1
