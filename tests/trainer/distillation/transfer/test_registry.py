"""The weighted sum of transfer objectives, and which of them a kind of label has."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from limbeck.errors import ConfigError
from limbeck.objectives.registry import objective_of
from limbeck.settings.distillation import DistillationConfig, weight_fields
from limbeck.task import Label
from limbeck.trainer.distillation.transfer import decoupled, jensen_shannon, logit_squared_error
from limbeck.trainer.distillation.transfer.kind import Compared
from limbeck.trainer.distillation.transfer.registry import TRANSFERS, assert_applicable, transfer_loss
from tests.classes import classes
from tests.trainer.distillation.transfer.reference import BATCH, CLASSES, STUDENT, TAUGHT

SEVERAL = objective_of(Label("y", objective="multi_label", columns=("a", "b", "c", "d", "e")))
YES_OR_NO = objective_of(Label("y", objective="binary"))
NUMBER = objective_of(Label("y", kind="number", objective="regression"))
LOGITS, TEACHERS = tf.constant(STUDENT, tf.float32), tf.constant(TAUGHT, tf.float32)
LABELS = tf.constant(np.random.default_rng(3).integers(-1, CLASSES, BATCH))


def compared(objective, **changes):
    given = Compared(LOGITS, TEACHERS, LABELS, 2.0, 8.0, objective)
    return dataclasses.replace(given, **changes)


def test_each_weight_is_of_a_transfer_objective():
    assert [f"{name}_weight" for name in TRANSFERS] == list(weight_fields())


def test_classes_have_all_of_them_and_they_add_up_by_weight():
    objective = classes(CLASSES)
    right = decoupled.right_classes(LABELS, TEACHERS, objective)
    expected = (
        0.5 * objective.soft_loss(LOGITS, TEACHERS, 2.0)
        + 0.25 * logit_squared_error.categorical(LOGITS, TEACHERS)
        + 3.0 * jensen_shannon.categorical(LOGITS, TEACHERS, 2.0)
        + 0.1 * decoupled.categorical(LOGITS, TEACHERS, right, 2.0, 8.0)
    )
    config = DistillationConfig(
        soft_target_weight=0.5, logit_squared_error_weight=0.25, jensen_shannon_weight=3.0, decoupled_weight=0.1
    )
    assert_applicable(config, objective)
    np.testing.assert_allclose(transfer_loss(compared(objective), config.weights), expected, rtol=1e-6)


def test_answers_have_bernoulli_versions():
    expected = logit_squared_error.bernoulli(LOGITS, TEACHERS) + jensen_shannon.bernoulli(LOGITS, TEACHERS, 2.0)
    config = DistillationConfig(soft_target_weight=0.0, logit_squared_error_weight=1.0, jensen_shannon_weight=1.0)
    assert_applicable(config, SEVERAL)
    np.testing.assert_allclose(transfer_loss(compared(SEVERAL), config.weights), expected, rtol=1e-6)
    single = compared(YES_OR_NO, outputs=LOGITS[:, :1], teacher_outputs=TEACHERS[:, :, :1], labels=None)
    assert transfer_loss(single, config.weights).shape == [BATCH]


def test_the_default_is_the_loss_of_soft_targets_to_the_bit():
    for objective in (classes(CLASSES), SEVERAL):
        np.testing.assert_array_equal(
            transfer_loss(compared(objective), DistillationConfig().weights),
            objective.soft_loss(LOGITS, TEACHERS, 2.0),
        )


REFUSED = [
    (NUMBER, {"jensen_shannon_weight": 0.5}, r"probabilities, .*'y', learnt from one number .*received 0\.5: set it"),
    (NUMBER, {"logit_squared_error_weight": 1.0}, r"This kind of label has distillation\.soft_target_weight, and the "),
    (
        YES_OR_NO,
        {"decoupled_weight": 1.0},
        r"has distillation\.soft_target_weight and distillation\.logit_squared_error_weight and "
        r"distillation\.jensen_shannon_weight, and",
    ),
    (NUMBER, {"temperature_end": 4.0}, "temperature changes nothing for label 'y'"),
]  # fmt: skip


@pytest.mark.parametrize(("objective", "settings", "rule"), REFUSED)
def test_what_makes_no_sense_for_the_kind_of_label_is_refused(objective, settings, rule):
    with pytest.raises(ConfigError, match=rule):
        assert_applicable(DistillationConfig(**settings), objective)
