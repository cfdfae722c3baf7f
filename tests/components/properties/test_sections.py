"""Sections of the settings as execution properties, and back."""

import dataclasses
import json
from typing import Any

import pytest
from pydantic.dataclasses import dataclass

from limbeck.components.anomaly_stop.component import AnomalyStopSpec
from limbeck.components.distiller.component import DistillerSpec
from limbeck.components.gate.component import GateSpec
from limbeck.components.properties.sections import Section
from limbeck.components.teacher_trainer.component import TeacherTrainerSpec
from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.config import Config
from limbeck.settings.data import DataConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.drift import DriftConfig
from limbeck.settings.fields import runtime
from limbeck.settings.gate import GateConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.student import StudentConfig
from limbeck.settings.teachers import TeachersConfig
from limbeck.settings.training import TrainingConfig

VALUES = [
    TrainingConfig(),
    TrainingConfig(epochs=3, batch_size=7, learning_rate=0.25, seed=11),
    TrainingConfig(clip_norm=0.5, warmup_steps=7, early_stopping_patience=2),
    TrainingConfig(schedule="linear", precision="mixed_bfloat16"),
    DistillationConfig(temperature=4.0, alpha=0.0),
    DriftConfig(threshold=1.0, skew_threshold=0.0),
    GateConfig(),
    GateConfig(tolerance=0.0, max_bytes=1, max_latency_ms=0.5, require_gain=True),
    DataConfig(path="/data/{SPAN}", span=3, format="csv"),
    TeachersConfig(count=4, hyperparameters={"units": 3, "name": "wide", "bias": False}),
    StudentConfig({"rate": 0.5}),
    StrategyConfig("mirrored", logical_devices=2),
]


@dataclass(frozen=True, config=STRICT)
class ToyConfig:
    """A section that no component knows; its fields bear names that others have, too."""

    epochs: int = runtime(1)
    alpha: float | None = runtime(0.5)
    layers: tuple[int, ...] = (1, 2)


@pytest.mark.parametrize("value", VALUES)
def test_a_section_survives_the_way_through_properties(value: Any):
    section = Section(type(value))

    assert section.decode(section.encode(value)) == value


@pytest.mark.parametrize("value", VALUES)
def test_properties_are_what_tfx_takes_and_what_is_declared(value: Any):
    section = Section(type(value))
    properties, declared = section.encode(value), section.parameters

    assert {key: type(one) for key, one in properties.items()} == {key: declared[key].type for key in properties}
    assert all(declared[key].optional for key in declared.keys() - properties.keys())


def test_a_new_section_needs_no_list_of_its_fields():
    section = Section(ToyConfig)

    assert {name: (one.type, one.optional) for name, one in section.parameters.items()} == {
        "toy_epochs": (int, False), "toy_alpha": (float, True), "toy": (str, False),
    }  # fmt: skip
    assert section.encode(ToyConfig()) == {"toy_epochs": 1, "toy_alpha": 0.5, "toy": '{"layers": [1, 2]}'}
    # Null is another value than the default.
    assert section.decode(section.encode(ToyConfig(alpha=None))) == ToyConfig(alpha=None)


def test_fields_of_equal_names_do_not_meet():
    both = Section(ToyConfig).encode(ToyConfig(epochs=3)) | Section(TrainingConfig).encode(
        TrainingConfig(epochs=5)
    )

    assert Section(ToyConfig).decode(both).epochs == 3
    assert Section(TrainingConfig).decode(both).epochs == 5


def test_a_section_is_called_as_the_whole_tree_calls_it():
    sections = {
        field.name: type(getattr(Config(), field.name))
        for field in dataclasses.fields(Config)
        if dataclasses.is_dataclass(getattr(Config(), field.name))
    }

    assert {name: Section(cls).name for name, cls in sections.items()} == {name: name for name in sections}


def test_a_limit_that_is_not_set_is_no_property():
    assert Section(GateConfig).encode(GateConfig(tolerance=0.25)) == {
        "gate_tolerance": 0.25, "gate": '{"require_gain": false}',
    }  # fmt: skip


def test_a_runtime_field_that_tfx_cannot_take_is_named():
    @dataclass(frozen=True)
    class OddConfig:
        switch: bool = runtime(False)

    with pytest.raises(TypeError, match=r"odd\.switch is of kind .*bool.*: make the field structural"):
        _ = Section(OddConfig).parameters


# What somebody may type into the Kubeflow form.
@pytest.mark.parametrize(
    ("cls", "edited", "key", "received"),
    [
        (TrainingConfig, {"training_epochs": 0}, "training.epochs", "0"),
        (TrainingConfig, {"training_batch_size": -64}, "training.batch_size", "-64"),
        (TrainingConfig, {"training_learning_rate": 0.0}, "training.learning_rate", "0.0"),
        (TrainingConfig, {"training_seed": -1}, "training.seed", "-1"),
        (TrainingConfig, {"training_epochs": "many"}, "training.epochs", "'many'"),
        (TrainingConfig, {"training": '{"schedule": "wave"}'}, "training.schedule", "'wave'"),
        (TrainingConfig, {"training_epochs": None}, "training.epochs", "None"),
        (DistillationConfig, {"distillation_temperature": -2.0}, "distillation.temperature", "-2.0"),
        (DistillationConfig, {"distillation_alpha": 1.5}, "distillation.alpha", "1.5"),
        (GateConfig, {"gate_tolerance": -0.5}, "gate.tolerance", "-0.5"),
        (GateConfig, {"gate_max_bytes": 0}, "gate.max_bytes", "0"),
        (GateConfig, {"gate_max_latency_ms": float("nan")}, "gate.max_latency_ms", "nan"),
        (TeachersConfig, {"teachers_count": 0}, "teachers.count", "0"),
    ],
)
def test_an_edited_property_that_breaks_a_rule_is_named(
    cls: type, edited: dict[str, object], key: str, received: str
):
    section: Section[Any] = Section(cls)
    with pytest.raises(ConfigError) as caught:
        section.decode(section.encode(cls()) | edited)

    assert f"'{key}'" in str(caught.value)
    assert received in str(caught.value)


def test_a_property_that_is_missing_is_named():
    properties = Section(TrainingConfig).encode(TrainingConfig())
    del properties["training"]

    with pytest.raises(ConfigError, match="property 'training' is missing"):
        Section(TrainingConfig).decode(properties)


def test_a_property_that_is_no_json_is_named():
    with pytest.raises(ConfigError, match="property 'student' is not JSON: 'units: 3'"):
        Section(StudentConfig).decode({"student": "units: 3"})


@pytest.mark.parametrize(
    ("spec", "cls"),
    [
        (TeacherTrainerSpec, TrainingConfig),
        (TeacherTrainerSpec, TeachersConfig),
        (DistillerSpec, TrainingConfig),
        (DistillerSpec, StudentConfig),
        (DistillerSpec, DistillationConfig),
        (GateSpec, GateConfig),
        (AnomalyStopSpec, DriftConfig),
    ],
)
def test_a_component_declares_its_sections(spec: Any, cls: type):
    assert set(Section(cls).parameters) <= set(spec.PARAMETERS)


def test_a_student_on_other_targets_has_no_distillation_section():
    optional = {name for name, parameter in DistillerSpec.PARAMETERS.items() if parameter.optional}

    # A clip_norm that is not set is no property, whatever the targets. The teachers' hyperparameters are one only for a
    # task with `initialise_student`.
    assert optional - {"training_clip_norm", "teacher_hyperparameters"} == {
        *Section(DistillationConfig).parameters,
        *Section(SearchConfig).parameters,
    }


def test_what_is_fixed_when_compiled_is_one_property_in_the_same_words_each_time():
    first, second = ({"b": 1, "a": 2}, {"a": 2, "b": 1})

    properties = [Section(StudentConfig).encode(StudentConfig(one)) for one in (first, second)]
    assert properties[0] == properties[1]
    assert json.loads(properties[0]["student"]) == {"hyperparameters": {"a": 2, "b": 1}, "seeds": 1}
