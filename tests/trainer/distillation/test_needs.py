"""What is left of a distillation where no teacher can be called."""

from __future__ import annotations

from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.distillation.needs import without_teachers


def test_stored_soft_targets_are_of_the_examples_as_they_are():
    both = DistillationConfig(inputs="mixup", alpha=1.0, jensen_shannon_weight=0.5, hint_weight=2.0)
    assert without_teachers(both) == DistillationConfig(alpha=1.0, jensen_shannon_weight=0.5)


def test_without_layers_the_soft_targets_are_left():
    layers = DistillationConfig(soft_target_weight=0.0, hint_weight=2.0, relational_angle_weight=1.0)
    assert without_teachers(layers) == DistillationConfig()
    assert without_teachers(DistillationConfig()) == DistillationConfig()
