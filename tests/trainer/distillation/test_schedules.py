"""Temperature and share at a step, against the formulas in float64."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.data.order import Order
from limbeck.trainer.distillation import schedules

STEPS = Order(examples=40, batch_size=8, epochs=2, seed=0)
WHOLE = [STEPS.progress(step) for step in range(STEPS.steps)]


def test_progress_is_0_at_the_first_step_and_1_at_the_last():
    assert [step / 9 for step in range(10)] == WHOLE
    assert Order(examples=3, batch_size=8, epochs=1, seed=0).progress(0) == 0


@pytest.mark.parametrize(
    ("schedule", "share"), [("linear", lambda p: p), ("cosine", lambda p: (1 - np.cos(np.pi * p)) / 2)]
)
def test_a_value_goes_from_its_first_to_its_last(schedule, share):
    config = DistillationConfig(temperature=8.0, temperature_end=1.0, alpha=0.2, alpha_end=1.0, schedule=schedule)
    for progress in WHOLE:
        given = tf.constant(progress, tf.float32)
        np.testing.assert_allclose(schedules.temperature(config, given), 8 - 7 * share(progress), rtol=1e-6)
        np.testing.assert_allclose(schedules.alpha(config, given), 0.2 + 0.8 * share(progress), rtol=1e-6)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_both_ends_are_exact(schedule):
    for first, last in ((0.1, 0.7), (0.9, 0.0), (100.0, 1e-3)):
        found = [float(schedules.between(first, last, schedule, tf.constant(p))) for p in (0.0, 1.0)]
        assert found == [np.float32(first), np.float32(last)]


def test_a_constant_value_is_the_setting_itself():
    config = DistillationConfig(temperature=3.0, temperature_end=3.0)
    assert (schedules.temperature(config, 0.5), schedules.alpha(config, 0.5)) == (3.0, 0.9)
    assert isinstance(schedules.temperature(config, 0.5), float)


@pytest.mark.parametrize(
    ("alphas", "labels", "teachers"),
    [((0.0, None), True, False), ((1.0, None), False, True), ((0.0, 0.5), True, True), ((1.0, 0.0), True, True)],
)
def test_what_is_read_at_any_step(alphas, labels, teachers):
    config = DistillationConfig(alpha=alphas[0], alpha_end=alphas[1])
    assert (config.reads_labels, config.reads_teachers) == (labels, teachers)
