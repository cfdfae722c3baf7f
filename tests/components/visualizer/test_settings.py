"""Settings -> execution properties -> the settings that the page shows."""

import dataclasses

import pytest

from limbeck.components.visualizer.settings import NAMES, PARAMETERS, decode, encode
from limbeck.errors import ConfigError
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.gate import GateConfig
from limbeck.settings.recovery import RecoveryConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig

CONFIG = Config(
    strategy=StrategyConfig(workers=3),
    training=TrainingConfig(epochs=7, clip_norm=1.5, schedule="linear"),
    teachers=TeachersConfig(count=3, epochs=5, hyperparameters={"units": 64}),
    student=StudentConfig(hyperparameters={"units": 8}),
    distillation=DistillationConfig(temperature=3.5),
    gate=GateConfig(tolerance=0.125, max_bytes=50_000),
    controls=False,
)


def test_what_decides_about_a_result_comes_back():
    assert decode(encode(CONFIG), controls=False) == CONFIG
    assert set(encode(CONFIG)) <= set(PARAMETERS)
    assert set(NAMES) <= {field.name for field in dataclasses.fields(Config)}


def test_a_value_that_the_run_was_given_is_shown():
    given = encode(CONFIG) | {"distillation_temperature": 9.0, "teachers_epochs": 2}
    shown = decode(given, controls=True)

    assert (shown.distillation.temperature, shown.teachers.epochs, shown.controls) == (9.0, 2, True)


def test_teachers_that_follow_the_students_epochs_have_none_of_their_own():
    follows = dataclasses.replace(CONFIG, teachers=TeachersConfig(epochs=None))
    same = dataclasses.replace(CONFIG, teachers=TeachersConfig(epochs=7))

    assert encode(follows) == encode(same)
    assert decode(encode(same), controls=False).teachers.epochs is None


def test_a_default_that_is_written_out_is_no_other_setting():
    assert encode(Config(strategy=StrategyConfig(workers=2))) == encode(Config())


def test_what_changes_no_result_is_no_property():
    other = dataclasses.replace(CONFIG, recovery=RecoveryConfig(restarts=9))
    other = dataclasses.replace(other, training=dataclasses.replace(other.training, steps_per_call=3))

    assert encode(other) == encode(CONFIG)


def test_a_value_that_breaks_a_rule_is_refused():
    with pytest.raises(ConfigError, match="temperature"):
        decode(encode(CONFIG) | {"distillation_temperature": -1.0}, controls=True)
