"""Configuration slices as execution properties, and back."""

import pytest
from tfx.types.component_spec import ExecutionParameter

from components.anomaly_stop.component import AnomalyStopSpec
from components.distiller.component import DistillerSpec
from components.gate.component import GateSpec
from components.properties.slices import (
    DISTILLATION,
    TRAINING,
    CodeRef,
    code_properties,
    properties_of,
    slice_of,
    structure_of,
    task_of,
)
from components.teacher_trainer.component import TeacherTrainerSpec
from limbeck.errors import ConfigError
from limbeck.reference import TaskRef
from limbeck.settings.data import DataConfig
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.drift import DriftConfig
from limbeck.settings.fields import runtime_fields
from limbeck.settings.gate import GateConfig
from limbeck.settings.training import TrainingConfig

SLICES = [
    TrainingConfig(),
    TrainingConfig(epochs=3, batch_size=7, learning_rate=0.25, seed=11),
    TrainingConfig(clip_norm=0.5, warmup_steps=7),
    DistillationConfig(temperature=4.0, alpha=0.0),
    DriftConfig(threshold=1.0, skew_threshold=0.0),
    GateConfig(),
    GateConfig(tolerance=0.0, max_bytes=1, max_latency_ms=0.5),
    DataConfig(path="/data"),
]


@pytest.mark.parametrize("value", SLICES)
def test_a_slice_survives_the_way_through_properties(value: object):
    assert slice_of(type(value), properties_of(value)) == value


@pytest.mark.parametrize("value", [
    TrainingConfig(),
    TrainingConfig(epochs=3, schedule="linear", precision="mixed_bfloat16", steps_per_call=7),
    TrainingConfig(clip_norm=0.5, early_stopping_patience=2),
])  # fmt: skip
def test_what_is_fixed_when_compiled_goes_as_one_property(value: TrainingConfig):
    assert slice_of(TrainingConfig, properties_of(value), structure_of(value)) == value


def test_a_structure_that_breaks_a_rule_is_named():
    with pytest.raises(ConfigError, match=r"'training\.schedule'.*received 'wave'"):
        slice_of(TrainingConfig, {}, '{"schedule": "wave"}')


@pytest.mark.parametrize("value", SLICES)
def test_properties_are_what_tfx_takes_and_none_is_left_out(value: object):
    properties = properties_of(value)

    assert all(isinstance(one, int | float | str) and not isinstance(one, bool) for one in properties.values())


def test_limits_that_are_not_set_are_no_properties():
    assert properties_of(GateConfig(tolerance=0.25)) == {"tolerance": 0.25}


def test_properties_of_others_are_ignored():
    properties = {"epochs": 3, "batch_size": 8, "learning_rate": 0.5, "seed": 1, "temperature": 2.0, "task": "{}"}

    assert slice_of(TrainingConfig, properties) == TrainingConfig(3, 8, 0.5, 1)


# What somebody may type into the Kubeflow form.
@pytest.mark.parametrize(
    ("cls", "properties", "key", "received"),
    [
        (TrainingConfig, {"epochs": 0}, "training.epochs", "0"),
        (TrainingConfig, {"batch_size": -64}, "training.batch_size", "-64"),
        (TrainingConfig, {"learning_rate": 0.0}, "training.learning_rate", "0.0"),
        (TrainingConfig, {"seed": -1}, "training.seed", "-1"),
        (DistillationConfig, {"temperature": -2.0}, "distillation.temperature", "-2.0"),
        (DistillationConfig, {"alpha": 1.5}, "distillation.alpha", "1.5"),
        (GateConfig, {"tolerance": 5.0}, "gate.tolerance", "5.0"),
        (GateConfig, {"max_bytes": 0}, "gate.max_bytes", "0"),
        (GateConfig, {"max_latency_ms": float("nan")}, "gate.max_latency_ms", "nan"),
        (TrainingConfig, {"epochs": "many"}, "training.epochs", "'many'"),
    ],
)
def test_an_edited_property_that_breaks_a_rule_is_named(
    cls: type, properties: dict[str, object], key: str, received: str
):
    with pytest.raises(ConfigError) as caught:
        slice_of(cls, properties)

    assert f"'{key}'" in str(caught.value)
    assert received in str(caught.value)


@pytest.mark.parametrize(
    ("declared", "cls"),
    [
        (TRAINING, TrainingConfig),
        (DISTILLATION, DistillationConfig),
        (TeacherTrainerSpec.PARAMETERS, TrainingConfig),
        (DistillerSpec.PARAMETERS, DistillationConfig),
        (GateSpec.PARAMETERS, GateConfig),
        (AnomalyStopSpec.PARAMETERS, DriftConfig),
    ],
)
def test_a_component_declares_every_runtime_field_of_its_slice(declared: dict[str, ExecutionParameter], cls: type):
    assert set(runtime_fields(cls)) <= set(declared)


def test_a_student_on_other_targets_has_no_distillation_section():
    optional = {name for name, parameter in DISTILLATION.items() if parameter.optional}

    # A clip_norm that is not set is no property, whatever the targets.
    assert optional - {"clip_norm"} == set(runtime_fields(DistillationConfig))


@pytest.mark.parametrize("ref", [TaskRef("tasks.digits"), TaskRef("own", "OTHER", "/somewhere/else")])
def test_a_task_and_its_digest_survive_the_way_through_properties(ref: TaskRef):
    properties = code_properties(CodeRef(ref, "abc"))

    assert task_of(properties) == ref
    assert properties["code_digest"] == "abc"


def test_a_task_property_that_is_no_reference_is_refused():
    with pytest.raises(ConfigError, match="TaskRef"):
        task_of({"task": "tasks.digits"})
