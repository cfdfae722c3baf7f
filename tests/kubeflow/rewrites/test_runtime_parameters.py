"""Settings that are constants of tasks, and parameters of the run in their place."""

from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.rewrites.data_fingerprint import add_fingerprint
from limbeck.kubeflow.rewrites.runtime_parameters import add_runtime_parameters
from tests.kubeflow.specs import changed, constant, stock, task_of

SETTINGS = {
    "training.epochs": "passes over the data",
    "teachers.epochs": "of teachers",
    "gate.tolerance": "no node's",
}


def given(**epochs: float) -> dict[str, Any]:
    spec = stock()
    for node, value in epochs.items():
        task_of(spec, node)["inputs"]["parameters"]["training_epochs"] = constant(value)
        component = spec["components"][task_of(spec, node)["componentRef"]["name"]]
        component["inputDefinitions"]["parameters"]["training_epochs"] = {"parameterType": "NUMBER_INTEGER"}
    return spec


def test_the_compiled_value_is_the_default_of_the_run():
    before = given(ExampleGen=3.0, StatisticsGen=3.0)
    after = changed(lambda spec: add_runtime_parameters(spec, SETTINGS), before)

    assert after["root"]["inputDefinitions"]["parameters"] == {
        "training_epochs": {
            "parameterType": "NUMBER_INTEGER",
            "defaultValue": 3.0,
            "description": "training.epochs: passes over the data",
        }
    }
    for node in ("ExampleGen", "StatisticsGen"):
        parameters = task_of(after, node)["inputs"]["parameters"]
        assert parameters["training_epochs"] == {"componentInputParameter": "training_epochs"}
    # What is no setting of a run stays a constant.
    assert task_of(after, "StatisticsGen")["inputs"]["parameters"]["exclude_splits"] == constant("[]")


def test_teachers_have_epochs_of_their_own():
    spec = given(ExampleGen=3.0, StatisticsGen=5.0)
    tasks = spec["root"]["dag"]["tasks"]
    tasks["TeacherTrainer"] = tasks.pop("StatisticsGen")
    after = changed(lambda one: add_runtime_parameters(one, SETTINGS), spec)

    of_run = after["root"]["inputDefinitions"]["parameters"]
    assert {name: one["defaultValue"] for name, one in of_run.items()} == {
        "training_epochs": 3.0,
        "teachers_epochs": 5.0,
    }
    parameters = task_of(after, "TeacherTrainer")["inputs"]["parameters"]
    assert parameters["training_epochs"] == {"componentInputParameter": "teachers_epochs"}


def test_the_path_of_the_data_is_one_parameter_for_both_that_read_them():
    spec = add_fingerprint(stock(), "kubeflow")
    after = changed(lambda one: add_runtime_parameters(one, {"data.path": "of the data"}), spec)

    of_run = after["root"]["inputDefinitions"]["parameters"]
    assert {name: one["defaultValue"] for name, one in of_run.items()} == {"data_path": "gs://bucket/data"}
    for node in ("DataFingerprint", "ExampleGen"):
        parameters = task_of(after, node)["inputs"]["parameters"]
        assert parameters["input_base"] == {"componentInputParameter": "data_path"}
    # Where it is no setting of a run, both keep it.
    assert add_runtime_parameters(spec, SETTINGS) == spec


def test_one_parameter_cannot_have_two_values():
    with pytest.raises(ConfigError, match=r"nodes differ in 'training\.epochs'"):
        add_runtime_parameters(given(ExampleGen=3.0, StatisticsGen=5.0), SETTINGS)


def test_without_any_the_spec_stays_as_it_is():
    assert changed(lambda spec: add_runtime_parameters(spec, SETTINGS), stock()) == stock()
