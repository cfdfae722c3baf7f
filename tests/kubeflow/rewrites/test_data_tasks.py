"""The tasks that are added before ExampleGen: its driver's work, and the data that a task brings along."""

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow.rewrites.data_fingerprint import FOUND, add_fingerprint
from limbeck.kubeflow.rewrites.lifecycle import drop_lifecycle
from limbeck.kubeflow.rewrites.task_data import TaskData, add_task_data
from tests.kubeflow.specs import INPUT_CONFIG, changed, constant, container_of, stock, task_of

DATA = TaskData(task='{"module": "limbeck.tasks.digits"}', digest="abc")


def driven() -> dict:
    return drop_lifecycle(add_fingerprint(stock(), "kubeflow"))


def test_the_drivers_work_is_a_task_that_is_never_cached():
    before = stock()
    after = add_fingerprint(before, "kubeflow")
    assert before == stock()

    task = task_of(after, "DataFingerprint")
    assert task["cachingOptions"] == {"enableCache": False}
    assert task["inputs"]["parameters"] == {
        "input_base": constant("gs://bucket/data"),
        "input_config": constant(INPUT_CONFIG),
    }
    component = after["components"]["DataFingerprint"]
    # Parameters alone: an artifact of a task without a cache is another one each time, for all that follows.
    assert component["outputDefinitions"] == {
        "parameters": {key: {"parameterType": kind} for key, kind in FOUND.items()}
    }
    assert container_of(after, "DataFingerprint")["command"] == [
        "python",
        "-m",
        "limbeck.kubeflow.data_fingerprint",
    ]


def test_example_gen_is_cached_by_what_was_found():
    after = add_fingerprint(stock(), "kubeflow")

    task = task_of(after, "ExampleGen")
    assert task["cachingOptions"] == {"enableCache": True}
    assert task["dependentTasks"] == ["DataFingerprint"]
    assert task["inputs"]["parameters"]["input_base"] == constant("gs://bucket/data")
    for key in FOUND:
        output = {"producerTask": "DataFingerprint", "outputParameterKey": key}
        assert task["inputs"]["parameters"][key] == {"taskOutputParameter": output}
        assert after["components"]["ExampleGen"]["inputDefinitions"]["parameters"][key] == {
            "parameterType": FOUND[key]
        }


def test_a_span_that_is_asked_for_reaches_the_driver():
    spec = stock()
    task_of(spec, "ExampleGen")["inputs"]["parameters"]["range_config"] = constant("{}")
    spec["components"]["ExampleGen"]["inputDefinitions"]["parameters"]["range_config"] = {
        "parameterType": "STRING"
    }

    after = add_fingerprint(spec, "kubeflow")
    assert task_of(after, "DataFingerprint")["inputs"]["parameters"]["range_config"] == constant("{}")


def test_a_pipeline_without_such_a_driver_stays_as_it_is():
    spec = drop_lifecycle(stock())
    assert changed(lambda one: add_fingerprint(one, "kubeflow"), spec) == spec


def test_a_node_of_the_same_id_is_refused():
    spec = stock()
    spec["root"]["dag"]["tasks"]["DataFingerprint"] = task_of(spec, "StatisticsGen")
    with pytest.raises(ConfigError, match="'DataFingerprint' is the id of a node that is added"):
        add_fingerprint(spec, "kubeflow")


def test_a_second_reader_is_refused():
    spec = stock()
    spec["root"]["dag"]["tasks"]["Second"] = task_of(spec, "ExampleGen")
    with pytest.raises(ConfigError, match="received ExampleGen, Second"):
        add_fingerprint(spec, "kubeflow")


def test_the_tasks_own_data_take_the_place_of_the_path():
    before = driven()
    after = add_task_data(before, DATA, "kubeflow")
    assert before == driven()

    written = task_of(after, "TaskData")
    assert written["cachingOptions"] == {"enableCache": True}
    assert written["inputs"]["parameters"] == {"task": constant(DATA.task), "code_digest": constant("abc")}
    for node in ("DataFingerprint", "ExampleGen"):
        task, component = task_of(after, node), after["components"][node]
        output = {"producerTask": "TaskData", "outputArtifactKey": "data"}
        assert task["inputs"]["artifacts"]["data"] == {"taskOutputArtifact": output}
        assert "TaskData" in task["dependentTasks"]
        assert (
            component["inputDefinitions"]["artifacts"]["data"]["artifactType"]["schemaTitle"] == "system.Dataset"
        )
        assert "input_base" not in {**task["inputs"]["parameters"], **component["inputDefinitions"]["parameters"]}
    assert task_of(after, "StatisticsGen") == task_of(before, "StatisticsGen")


def test_data_of_the_users_need_no_task():
    assert changed(lambda spec: add_task_data(spec, None, "kubeflow"), driven()) == driven()
