"""Intervals on one scale."""

import pytest

from limbeck.report.charts import intervals
from limbeck.report.verdicts import Interval
from tests.report.charts import drawing

WIDTH = 154 - 6


def test_dot_whisker_and_mark_lie_on_one_scale():
    interval = Interval(0.25, 0.0, 0.75)
    scale = intervals.span([interval, Interval(-0.25, -0.5, 0.1)], [0.0])
    root = drawing.read(intervals.interval_chart("name", ("title", "words"), interval, scale, [0.0]))

    def place(value: float) -> float:
        return 6 + WIDTH * (value + 0.5) / 1.25

    (dot,) = drawing.of_class(root, "dot")
    (whisker,) = drawing.of_class(root, "whisker")
    (zero,) = drawing.of_class(root, "zero")
    assert drawing.number(dot, "cx") == pytest.approx((place(0.25),), abs=0.01)
    assert drawing.number(whisker, "x1", "x2") == pytest.approx((place(0.0), place(0.75)), abs=0.01)
    assert drawing.number(zero, "x1", "x2") == pytest.approx((place(0.0), place(0.0)), abs=0.01)


@pytest.mark.parametrize(
    ("interval", "dots", "whiskers"),
    [(Interval(None, None, None), 0, 0), (Interval(0.5, None, None), 1, 0), (Interval(0.5, 0.4, None), 1, 0)],
)
def test_what_is_undefined_is_left_out(interval: Interval, dots: int, whiskers: int):
    root = drawing.read(
        intervals.interval_chart("name", ("title", "words"), interval, intervals.span([interval], [0.0]), [0.0])
    )

    assert len(drawing.of_class(root, "dot")) == dots
    assert len(drawing.of_class(root, "whisker")) == whiskers
