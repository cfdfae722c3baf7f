"""Rules of KFP that were seen at work and that no trace of this folder tells. Each runs in a pod."""

import json
from typing import Any

import pytest

from tests.kubeflow.simulate.probe import DATASET, Json, found, given, run, spec, step, task, trace

pytestmark = pytest.mark.processes

WHOLE = "{{$}}"
MAKES_DATA = {"outputDefinitions": {"artifacts": {"data": DATASET}}}
TAKES_DATA = {"inputDefinitions": {"artifacts": {"data": DATASET}}}
DATA_PATH = "{{$.outputs.artifacts['data'].path}}"
FROM_MAKE = {"artifacts": {"data": {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "data"}}}}
MAKE = step("make", {"write": {"0/d.txt": "d"}}, DATA_PATH, **MAKES_DATA)


def constant(value: Any) -> Json:
    """A constant for an input parameter."""
    return {"runtimeValue": {"constant": value}}


def shell(name: str, script: str, *arguments: str, **definitions: Json) -> Json:
    """A step that is a shell script."""
    made = step(name, {}, **definitions)
    made["container"] |= {"command": ["sh", "-c", script, "sh"], "args": list(arguments)}
    return made


def takes(kind: str) -> Json:
    """Input definitions of one parameter `a`."""
    return {"inputDefinitions": {"parameters": {"a": {"parameterType": kind}}}}


def phase_and_state(traced: Json) -> tuple[str, str]:
    """The run's phase, and the state of its last execution."""
    return traced["phase"], traced["executions"][-1]["state"]


def test_an_artifact_through_the_inputs_of_a_dag_has_no_type_at_all() -> None:
    use = step("use", {"json": [0]}, WHOLE, **TAKES_DATA)
    inner = {
        "dag": {"tasks": {"use": task("use", inputs={"artifacts": {"data": {"componentInputArtifact": "data"}}})}},
        **TAKES_DATA,
    }
    traced = trace(
        spec(
            [MAKE, use],
            {"make": task("make"), "all": task("all", inputs=FROM_MAKE)},
            components={"comp-all": inner},
        )
    )

    assert traced["phase"] == "Succeeded"
    (artifact,) = found(traced, "root.all.use-driver")["executor_input"]["inputs"]["artifacts"]["data"][
        "artifacts"
    ]
    assert "type" not in artifact
    assert artifact["name"] == "<make/data>"


@pytest.mark.parametrize(
    ("condition", "phase", "skipped"),
    [
        ("inputs.artifacts['data'].artifacts[0].metadata['good'] == true", "Succeeded", ["root.use Skipped"]),
        ("inputs.artifacts['data'].artifacts[0].metadata['good'] == 1.0", "Succeeded", []),
        ("inputs.artifacts['data'].artifacts[0].metadata['good']", "Failed", ["root.use Omitted"]),
    ],
)
def test_a_bool_in_metadata_became_a_number(condition: str, phase: str, skipped: list[str]) -> None:
    meta = {"artifacts": {"data": {"artifacts": [{"metadata": {"good": True}}]}}}
    make = step("make", {"meta": meta, "meta_at": 0}, WHOLE, **MAKES_DATA)
    use = task("use", inputs=FROM_MAKE, triggerPolicy={"condition": condition})
    traced = trace(spec([make, step("use", {}, **TAKES_DATA)], {"make": task("make"), "use": use}))

    assert (traced["phase"], traced["skipped"]) == (phase, skipped)


@pytest.mark.parametrize(("text", "phase"), [("", "Failed"), ("{}", "Succeeded"), (None, "Succeeded")])
def test_an_empty_output_file_fails_the_task_and_none_does_not(text: str | None, phase: str) -> None:
    do = {} if text is None else {"raw_meta": text, "meta_at": 1}
    make = step("make", do, DATA_PATH, WHOLE, **MAKES_DATA)
    assert trace(spec([make], {"make": task("make")}))["phase"] == phase


def test_of_what_the_output_file_says_only_the_first_artifact_of_a_known_key_counts() -> None:
    meta = {
        "artifacts": {
            "data": {
                "artifacts": [
                    {"name": "other", "type": {"schemaTitle": "system.Model"}, "metadata": {"n": 1}},
                    {"metadata": {"n": 2}},
                ]
            },
            "unknown": {"artifacts": [{"uri": "minio://mlpipeline/elsewhere"}]},
        }
    }
    traced = trace(spec([step("make", {"meta": meta, "meta_at": 0}, WHOLE, **MAKES_DATA)], {"make": task("make")}))

    assert traced["phase"] == "Succeeded"
    told = [(each["type"], each["custom_properties"].get("n")) for each in traced["artifacts"]]
    assert told == [("system.Dataset", {"double": 1.0}), ("system.Artifact", None)]


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (0.5, "0.5"), (True, "true"), ([1, "a"], '[1, "a"]'), ({"k": 1}, '{"k": 1}')]
)
def test_a_text_input_takes_anything_as_text(value: Any, text: str) -> None:
    say = step("say", {}, "{{$.inputs.parameters['a']}}", **takes("STRING"))
    traced = trace(spec([say], {"say": task("say", inputs={"parameters": {"a": constant(value)}})}))
    assert given(traced, "root.say.executor") == [text]


@pytest.mark.parametrize(
    ("kind", "value"), [("NUMBER_DOUBLE", True), ("BOOLEAN", 1), ("LIST", "[]"), ("STRUCT", [])]
)
def test_any_other_input_takes_its_own_kind_only(kind: str, value: Any) -> None:
    say = step("say", {}, WHOLE, **takes(kind))
    traced = trace(spec([say], {"say": task("say", inputs={"parameters": {"a": constant(value)}})}))

    driver = found(traced, "root.say-driver")
    assert (traced["phase"], driver["exit"]) == ("Failed", 1)
    assert "type mismatch" in driver["errors"][0]
    assert "executor_input" not in driver


def test_a_fraction_for_a_whole_run_parameter_arrives_as_it_is() -> None:
    say = step("say", {}, "{{$.inputs.parameters['a']}}", **takes("NUMBER_INTEGER"))
    inputs = {"parameters": {"a": {"componentInputParameter": "a"}}}
    traced = trace(spec([say], {"say": task("say", inputs=inputs)}, root=takes("NUMBER_INTEGER")), a=1.5)
    assert given(traced, "root.say.executor") == ["1.5"]


def test_an_importer_needs_nothing_at_its_uri() -> None:
    use = step("use", {"read": ["0/a.txt"]}, "{{$.inputs.artifacts['data'].path}}", **TAKES_DATA)
    pipeline = spec(
        [step("make", {}, **MAKES_DATA), use], {"make": task("make"), "use": task("use", inputs=FROM_MAKE)}
    )
    pipeline["deploymentSpec"]["executors"]["exec-make"] = {
        "importer": {
            "artifactUri": {"constant": "minio://mlpipeline/nothing/here"},
            "typeSchema": {"schemaTitle": "system.Dataset"},
        }
    }
    traced = trace(pipeline)

    assert traced["phase"] == "Succeeded"
    assert given(traced, "root.use.executor") == ["/minio/mlpipeline/nothing/here"]
    assert found(traced, "root.use.executor")["said"][1] == {"read": ["a.txt", "FileNotFoundError"]}


def exit_handler() -> Json:
    """A task that is told how the tasks before it ended."""
    return task(
        "last",
        dependentTasks=["all"],
        inputs={"parameters": {"status": {"taskFinalStatus": {"producerTask": "all"}}}},
        triggerPolicy={"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"},
    )


def test_an_exit_handler_runs_after_a_failure_and_is_told() -> None:
    last = step(
        "last", {}, WHOLE, inputDefinitions={"parameters": {"status": {"parameterType": "TASK_FINAL_STATUS"}}}
    )
    inner = {"dag": {"tasks": {"bad": task("bad")}}}
    traced = trace(
        spec(
            [step("bad", {"exit": 1}), last],
            {"all": task("all"), "last": exit_handler()},
            components={"comp-all": inner},
        )
    )

    assert traced["phase"] == "Failed"
    driver = found(traced, "root.all.onExit.last-driver")
    status = driver["executor_input"]["inputs"]["parameterValues"]["status"]
    assert (status["state"], status["pipelineTaskName"], status["error"]) == ("FAILED", "all", {})


def test_a_link_is_uploaded_as_what_it_points_to() -> None:
    script = 'mkdir "$1" && echo hello > /tmp/file && ln -s /tmp/file "$1/link" && ln -s ../data/link "$1/again"'
    traced = trace(spec([shell("make", script, DATA_PATH, **MAKES_DATA)], {"make": task("make")}))

    assert traced["phase"] == "Succeeded"
    assert sorted(key.rsplit("/", 1)[1] for key in traced["bucket"]) == ["again", "link"]
    assert set(traced["bucket"].values()) == {6}


def test_a_link_leads_nowhere_outside_the_pod() -> None:
    traced = trace(
        spec([shell("make", 'ln -s /etc/hostname "$1"', DATA_PATH, **MAKES_DATA)], {"make": task("make")})
    )
    assert traced["bucket"] == {}


def test_a_variable_in_an_argument_is_that_of_the_drivers_pod() -> None:
    script = 'test "$1" != "$KFP_POD_NAME" && case "$1" in *system-container-driver*) exit 0;; *) exit 1;; esac'
    assert trace(spec([shell("say", script, "$(KFP_POD_NAME)")], {"say": task("say")}))["phase"] == "Succeeded"


def test_a_step_is_another_user_in_a_read_only_root_and_sees_no_files_but_its_own() -> None:
    script = (
        'test "$(id -u)" = 1000 && test "$HOME" = / && ! touch /file 2>/dev/null && ! touch /usr/file 2>/dev/null '
        "&& touch /tmp/file /minio/file /.cache/file && test ! -e /home && python -c 'import limbeck.trainer' "
        '&& test ! -e "$(dirname "$1")/../../make"'
    )
    traced = trace(
        spec(
            [MAKE, shell("look", script, DATA_PATH, **MAKES_DATA)],
            {"make": task("make"), "look": task("look", dependentTasks=["make"])},
        )
    )
    assert traced["phase"] == "Succeeded"


def test_equal_containers_share_outputs_so_what_reads_the_own_ones_kills_its_driver() -> None:
    one = step("one", {}, WHOLE, outputDefinitions={"artifacts": {"first": DATASET}})
    two = step("two", {}, WHOLE, outputDefinitions={"artifacts": {"second": DATASET}})
    reads = {"artifacts": {"data": {"taskOutputArtifact": {"producerTask": "two", "outputArtifactKey": "second"}}}}
    traced = trace(
        spec(
            [one, two, step("use", {}, **TAKES_DATA)],
            {"one": task("one"), "two": task("two"), "use": task("use", inputs=reads)},
        )
    )
    assert (traced["phase"], found(traced, "root.use-driver")["exit"]) == ("Failed", 2)


def test_a_long_output_parameter_keeps_its_reader_from_starting() -> None:
    definitions = {"outputDefinitions": {"parameters": {"a": {"parameterType": "STRING"}}}}
    make = shell(
        "make",
        'mkdir -p "$(dirname "$1")"; head -c 140000 /dev/zero | tr "\\0" x > "$1"',
        *["{{$.outputs.parameters['a'].output_file}}"],
        **definitions,
    )
    inputs = {"parameters": {"a": {"taskOutputParameter": {"producerTask": "make", "outputParameterKey": "a"}}}}
    traced = trace(
        spec([make, step("use", {}, **takes("STRING"))], {"make": task("make"), "use": task("use", inputs=inputs)})
    )
    assert traced["phase"] == "Error"
    assert "140000" not in str(found(traced, "root.use.executor").get("said"))


def test_a_deadline_of_the_platform_document_kills_the_step() -> None:
    platform = {
        "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-wait": {"activeDeadlineSeconds": 1}}}}}
    }
    pipeline = spec([shell("wait", "exec tail -f /dev/null")], {"wait": task("wait")})
    (outcome,) = run(f"{json.dumps(pipeline)}\n---\n{json.dumps(platform)}")
    # The launcher is killed with the pod, and publishes nothing.
    assert phase_and_state(outcome.trace) == ("Failed", "RUNNING")
    assert "deadline of 1 s" in found(outcome.trace, "root.wait.executor")["errors"][0]


def test_a_loop_runs_its_dag_for_each_item_and_gives_a_list() -> None:
    parameter = {"parameters": {"n": {"parameterType": "NUMBER_INTEGER"}}}
    say = step(
        "say",
        {"write": {"0": "7"}},
        "{{$.outputs.parameters['n'].output_file}}",
        "{{$.inputs.parameters['n']}}",
        inputDefinitions=parameter,
        outputDefinitions=parameter,
    )
    body = {
        "inputDefinitions": parameter,
        "outputDefinitions": parameter,
        "dag": {
            "tasks": {"say": task("say", inputs={"parameters": {"n": {"componentInputParameter": "n"}}})},
            "outputs": {
                "parameters": {"n": {"valueFromParameter": {"producerSubtask": "say", "outputParameterKey": "n"}}}
            },
        },
    }
    use = step("use", {}, "{{$.inputs.parameters['a']}}", **takes("LIST"))
    inputs = {"parameters": {"a": {"taskOutputParameter": {"producerTask": "all", "outputParameterKey": "n"}}}}
    looped = task("all", parameterIterator={"items": {"raw": "[1, 2]"}, "itemInput": "n"})
    traced = trace(
        spec([say, use], {"all": looped, "use": task("use", inputs=inputs)}, components={"comp-all": body})
    )

    assert traced["phase"] == "Succeeded"
    said = [given(traced, each["node"])[-1] for each in traced["tasks"] if each["node"].endswith("say.executor")]
    assert said == ["1", "2"]
    assert given(traced, "root.use.executor") == ["[7, 7]"]


def test_kfp_2_5_finds_a_producer_by_its_display_name_only() -> None:
    use = task("use", inputs=FROM_MAKE)
    pipeline = spec([MAKE, step("use", {}, **TAKES_DATA)], {"make": task("make"), "use": use})
    pipeline["root"]["dag"]["tasks"]["make"]["taskInfo"]["name"] = "Make the data"

    assert trace(pipeline, "2.15")["phase"] == "Succeeded"
    assert trace(pipeline, "2.5")["phase"] == "Failed"


def test_the_cache_key_takes_in_neither_environment_nor_name() -> None:
    pipeline = spec(
        [MAKE], {"make": task("make"), "more": task("more", component="comp-make", dependentTasks=["make"])}
    )
    for each in pipeline["root"]["dag"]["tasks"].values():
        each["cachingOptions"] = {"enableCache": True}

    (outcome,) = run(pipeline)

    assert found(outcome.trace, "root.more-driver")["cached-decision"] == "true"
    assert outcome.trace["skipped"] == ["root.more.executor Skipped"]


def test_a_pipeline_root_in_another_bucket() -> None:
    use = step("use", {"read": ["0/d.txt"]}, "{{$.inputs.artifacts['data'].path}}", **TAKES_DATA)
    pipeline = spec([MAKE, use], {"make": task("make"), "use": task("use", inputs=FROM_MAKE)})
    (outcome,) = run(pipeline, root="s3://own/prefix")

    assert outcome.trace["phase"] == "Succeeded"
    assert list(outcome.trace["bucket"]) == ["prefix/probed/<run0>/make/<uuid0>/data/d.txt"]
    path = "/s3/own/prefix/probed/<run0>/make/<uuid0>/data"
    assert given(outcome.trace, "root.use.executor") == [path]
    assert found(outcome.trace, "root.use.executor")["said"][1] == {"read": ["d.txt", "d"]}


def test_a_pipeline_root_in_no_bucket_fails_the_driver_of_the_root() -> None:
    (outcome,) = run(spec([MAKE], {"make": task("make")}), root="minio:/nowhere")
    assert (outcome.trace["phase"], outcome.trace["skipped"]) == ("Failed", ["root Omitted"])


def test_an_output_of_a_dag_comes_from_a_task_inside() -> None:
    selectors = {"data": {"artifactSelectors": [{"producerSubtask": "make", "outputArtifactKey": "data"}]}}
    inner = {"dag": {"tasks": {"make": task("make")}, "outputs": {"artifacts": selectors}}, **MAKES_DATA}
    use = step("use", {"read": ["0/d.txt"]}, "{{$.inputs.artifacts['data'].path}}", **TAKES_DATA)
    reads = {"artifacts": {"data": {"taskOutputArtifact": {"producerTask": "all", "outputArtifactKey": "data"}}}}
    traced = trace(
        spec([MAKE, use], {"all": task("all"), "use": task("use", inputs=reads)}, components={"comp-all": inner})
    )

    assert found(traced, "root.use.executor")["said"][1] == {"read": ["d.txt", "d"]}
    (dag,) = (each for each in traced["executions"] if each["custom_properties"]["task_name"] == {"string": "all"})
    assert dag["state"] == "COMPLETE"
