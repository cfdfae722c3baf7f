"""A value with its interval, as a dot on a short line."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup

from limbeck.report.charts.scale import Scale
from limbeck.report.charts.svg import Box, add, markup, picture
from limbeck.report.verdicts import Interval

BOX = Box(0, 0, 160, 20)
_LEFT, _RIGHT, _MIDDLE = 6.0, 154.0, 10.0


def span(intervals: Iterable[Interval], marks: Iterable[float]) -> Scale:
    """Returns one scale for all intervals, with room for the marks."""
    ends = [end for one in intervals for end in (one.low, one.value, one.high) if end is not None]
    known = [*ends, *marks]
    low, high = min(known), max(known)
    return Scale(low, high if high > low else low + 1.0, _LEFT, _RIGHT)


def interval_chart(
    name: str, texts: tuple[str, str], interval: Interval, scale: Scale, marks: Iterable[float]
) -> Markup:
    """Draws one interval, without its undefined parts.

    Args:
      name: unique in the page.
      texts: title of the chart, and what it shows in words.
      interval: the interval.
      scale: what `span` returned.
      marks: values with a thin upright line, such as no difference.
    """
    root = picture(name, BOX, *texts, shape="interval")
    add(root, "line", x1=_LEFT, x2=_RIGHT, y1=_MIDDLE, y2=_MIDDLE, shape="track")
    for mark in marks:
        add(root, "line", x1=scale(mark), x2=scale(mark), y1=1, y2=19, shape="zero")
    if interval.low is not None and interval.high is not None:
        add(root, "line", x1=scale(interval.low), x2=scale(interval.high), y1=_MIDDLE, y2=_MIDDLE, shape="whisker")
    if interval.value is not None:
        add(root, "circle", cx=scale(interval.value), cy=_MIDDLE, r=4.5, shape="dot")
    return markup(root)
