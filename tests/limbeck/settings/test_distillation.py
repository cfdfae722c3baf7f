"""The rules of the section `distillation`."""

from __future__ import annotations

import pytest

from limbeck.errors import ConfigError
from limbeck.records import from_mapping
from limbeck.settings.distillation import DistillationConfig


def test_weights_that_sum_to_nothing_are_refused():
    with pytest.raises(
        ConfigError, match=r"must not all be 0.*distillation\.soft_target_weight, .*alpha=0 to learn"
    ):
        DistillationConfig(soft_target_weight=0.0)


def test_weights_above_0_are_told_by_name():
    config = DistillationConfig(soft_target_weight=0.0, jensen_shannon_weight=0.5)
    assert config.weights == {"jensen_shannon": 0.5}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("temperature", 0.0),
        ("temperature", 100.5),
        ("temperature_end", 101.0),
        ("alpha_end", 1.5),
        ("jensen_shannon_weight", -1.0),
        ("decoupled_beta", 0.0),
        ("schedule", "exponential"),
    ],
)
def test_values_out_of_range_are_refused(setting, value):
    with pytest.raises(ConfigError, match=f"'distillation.{setting}'.*received {value!r}"):
        from_mapping(DistillationConfig, {setting: value}, "distillation")


def test_mixtures_have_no_labels():
    with pytest.raises(ConfigError, match=r"alpha must be 1 at every step; received 1 to 0\.5: set distillation"):
        DistillationConfig(inputs="mixup", alpha=1.0, alpha_end=0.5)
    assert DistillationConfig(inputs="mixup", alpha=1.0).calls_teachers
    assert not DistillationConfig(inputs="augmented", alpha=0.0).calls_teachers
