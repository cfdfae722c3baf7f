"""Curves: thinned, and still the same mean."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.reporter import curves
from limbeck.report.findings import CurvePoint, ValidationFigures

STRETCHES = st.lists(st.tuples(st.integers(1, 50), st.floats(-1e3, 1e3)), max_size=120)


def curve_of(stretches: list[tuple[int, float]]) -> list[CurvePoint]:
    steps = np.cumsum([size for size, _ in stretches]).tolist()
    return [CurvePoint(step, loss) for step, (_, loss) in zip(steps, stretches, strict=True)]


@given(STRETCHES, st.integers(1, 60))
def test_every_point_is_the_mean_loss_over_the_steps_since_the_one_before(
    stretches: list[tuple[int, float]], points: int
):
    curve = curve_of(stretches)
    losses = np.repeat([loss for _, loss in stretches], [size for size, _ in stretches])

    thinned = curves.thin(curve, points)

    assert len(thinned) <= points
    assert {one.step for one in thinned} <= {one.step for one in curve}
    starts = [0, *(one.step for one in thinned)]
    for start, one in zip(starts, thinned, strict=False):
        assert one.loss == pytest.approx(losses[start : one.step].mean(), rel=1e-9, abs=1e-9)
    assert [one.step for one in thinned[-1:]] == [one.step for one in curve[-1:]]


def test_a_short_curve_is_kept_as_it_is():
    curve = curve_of([(20, 3.0), (20, 1.0), (7, 0.5)])

    assert curves.thin(curve, 3) == tuple(curve)


def test_stretches_are_equal():
    curve = curve_of([(10, float(number)) for number in range(1000)])

    thinned = curves.thin(curve, 200)

    assert [one.step for one in thinned] == list(range(50, 10_001, 50))
    assert [one.loss for one in thinned] == [5.0 * number + 2 for number in range(200)]


def test_each_member_of_an_ensemble_has_a_curve(tmp_path: Path):
    members = [
        [{"step": 20, "steps": 30, "loss": 2.0}, {"step": 30, "steps": 30, "loss": 1}],
        [{"step": 20, "steps": 20, "loss": 0.25}],
        [],
    ]
    (tmp_path / "history.json").write_text(json.dumps({"parameters": 7, "members": members}))

    assert curves.read(str(tmp_path)) == (
        (CurvePoint(20, 2.0), CurvePoint(30, 1.0)),
        (CurvePoint(20, 0.25),),
        (),
    )
    # A teacher that was adapted, or trained before there were validations, has none.
    assert curves.last_validations(str(tmp_path)) == ()


def test_the_last_validation_of_each_member_is_kept(tmp_path: Path):
    def point(step: int, validation: object) -> dict[str, object]:
        return {"step": step, "steps": 9, "loss": 1.0, "validation": validation}

    early, late = ({"loss": 1.0, "examples": 7, "metrics": {"top": top, "odd": None}} for top in (0.5, 0.75))
    members = [[point(3, early), point(6, late), point(9, None)], [point(9, None)], [point(3, early)]]
    (tmp_path / "history.json").write_text(json.dumps({"parameters": 7, "members": members}))

    assert curves.last_validations(str(tmp_path)) == (
        ValidationFigures(6, 7, {"top": 0.75, "odd": None}),
        ValidationFigures(3, 7, {"top": 0.5, "odd": None}),
    )
