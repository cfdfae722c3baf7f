"""A growing curve copies nothing, and the shorter curves that it grew from never change."""

import pytest

from limbeck.trainer.fitting.progress import Curve, TrainingProgress


def point(step):
    return TrainingProgress(step, 100, 1 / step)


def test_a_curve_is_a_sequence_of_its_points():
    points = [point(step) for step in (1, 2, 3)]
    curve = Curve(points)
    assert (len(curve), curve[0], curve[-1], curve[1:]) == (3, points[0], points[2], points[1:])
    assert curve == tuple(points) and tuple(points) == curve and curve == Curve(points)
    assert curve != points[:2] and curve != [*points[:2], point(4)] and Curve() == ()
    with pytest.raises(IndexError):
        curve[3]


def test_two_curves_that_grow_from_one_are_independent():
    """This happens if a training is resumed twice from one save."""
    begin = Curve([point(1)])
    one, other = begin.plus(point(2)), begin.plus(point(3))
    assert list(begin) == [point(1)]
    assert list(one.plus(point(4))) == [point(1), point(2), point(4)]
    assert list(other) == [point(1), point(3)]
    assert list(one) == [point(1), point(2)]
