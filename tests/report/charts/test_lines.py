"""One line a member, at the places that the losses say."""

import math

import pytest

from limbeck.report.charts.lines import AREA, curves
from tests.report.charts import drawing


def corners(line: str) -> list[tuple[float, ...]]:
    return [tuple(map(float, corner.split(","))) for corner in line.split()]


def test_a_loss_that_spans_decades_is_drawn_on_a_logarithmic_axis():
    losses = [1.0, 0.1, 0.01]
    root = drawing.read(
        curves("name", "teacher", "title", [[(10.0 * (i + 1), loss) for i, loss in enumerate(losses)]])
    )

    (line,) = root.iter("polyline")
    places = corners(line.attrib["points"])
    # The margin is 5 % of the two decades at either end.
    expected = [AREA.bottom - (AREA.bottom - AREA.top) * (math.log10(loss) + 2.1) / 2.2 for loss in losses]
    assert [y for _, y in places] == pytest.approx(expected, abs=0.06)
    assert [x for x, _ in places] == pytest.approx(
        [AREA.left + (AREA.right - AREA.left) * step / 30 for step in (10, 20, 30)], abs=0.06
    )
    assert {"1", "0.1", "0.01"} <= set(drawing.texts(root))
    assert "logarithmic" in (root[1].text or "")


@pytest.mark.parametrize("losses", [[0.5, 0.4], [1.0, 0.0], [0.0, 0.0], [-1.0, 1.0]])
def test_other_losses_are_drawn_on_a_linear_axis_with_zero(losses: list[float]):
    root = drawing.read(curves("name", "teacher", "title", [[(1.0, losses[0]), (2.0, losses[1])]]))

    assert "0" in drawing.texts(root)
    assert "logarithmic" not in (root[1].text or "")
    places = corners(next(root.iter("polyline")).attrib["points"])
    assert all(AREA.top <= y <= AREA.bottom for _, y in places)
    assert (places[0][1] < places[1][1]) == (losses[0] > losses[1])


def test_each_member_has_a_line_and_a_single_point_is_a_dot():
    lines = [[(1.0, 0.5), (2.0, 0.4)], [(1.0, 0.6), (2.0, 0.3)], [(2.0, 0.45)], []]

    root = drawing.read(curves("name", "teacher", "title", lines))

    assert len(list(root.iter("polyline"))) == 2
    assert len(drawing.of_class(root, "dot")) == 1
    assert (root[1].text or "").count("nats") == 3
