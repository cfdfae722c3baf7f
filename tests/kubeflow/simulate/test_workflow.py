"""The model of KFP's compile step makes the workflows that KFP makes."""

import datetime
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload import macros, run_parameters
from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import rules
from limbeck.kubeflow.simulate.workflow.compiler import Compiler
from limbeck.kubeflow.simulate.workflow.document import DEFAULT_ROOT, NewRun, compile_run
from tests.kubeflow.simulate.probe import TRACES, spec, step, task

CASES = sorted(TRACES.glob("2.17.0/*/workflow.json"))
GOLDENS = Path(os.environ.get("LIMBECK_KFP_GOLDENS", "no such folder"))
RULES = rules("2.17")
NOW = datetime.datetime(2026, 11, 28, 20, 15, 5, tzinfo=datetime.timezone.utc)
NEW = NewRun("r", "n", NOW)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.parts[-2])
def test_the_workflow_is_that_of_kfp(path: Path) -> None:
    expected = json.loads(path.read_text("utf-8"))
    (run, *_) = json.loads(path.with_name("expected.json").read_text("utf-8"))["runs"]
    accepted = accept(path.with_name("pipeline.json").read_text("utf-8"), RULES)

    workflow = compile_run(
        accepted, run["parameters"], NewRun("<run0>", "lab", NOW, DEFAULT_ROOT, cache=False), RULES
    )

    assert json.loads(json.dumps(workflow.document)) == expected


@pytest.mark.skipif(not GOLDENS.is_dir(), reason="LIMBECK_KFP_GOLDENS names no folder with KFP's golden workflows")
def test_the_workflows_are_kfps_golden_ones() -> None:
    """Without the options of the installation, which stand in the arguments of KFP's own programs."""
    paths = sorted(GOLDENS.glob("pipelines/*.yaml"))
    different = [path.name for path in paths if _compiled(path) != _golden(GOLDENS / "workflows" / path.name)]
    assert paths
    assert not different


def _compiled(path: Path) -> Any:
    accepted = accept(path.read_text("utf-8"), RULES)
    made = Compiler(accepted, "", "", RULES).compile("", run_parameters.defaults(accepted.spec, {}))
    parameters = [{"name": key, "value": value} for key, value in made.stored.parameters.items()]
    return _comparable(parameters, list(made.templates.values()))


def _golden(path: Path) -> Any:
    workflow = yaml.safe_load(path.read_text("utf-8"))["spec"]
    return _comparable(workflow["arguments"].get("parameters", []), workflow["templates"])


def _comparable(parameters: list[Any], templates: list[Any]) -> Any:
    kept = json.loads(json.dumps(templates))
    for template in kept:
        template.pop("metadata", None)
        for container in (template.get("container", {}), *template.get("initContainers", [])):
            container.pop("args", None)
    return _parsed(parameters), {template["name"]: _parsed(template) for template in kept}


def _parsed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _parsed(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_parsed(each) for each in value]
    return json.loads(value) if isinstance(value, str) and value[:1] == "{" and value[:2] != "{{" else value


def refusal(pipeline: dict[str, Any], release: str = "2.17") -> str:
    """Why a run of the pipeline is refused."""
    with pytest.raises(RefusedError) as caught:
        compile_run(accept(json.dumps(pipeline), rules(release)), {}, NEW, rules(release))
    assert caught.value.stage == "run"
    return caught.value.reason


ONE = step("one", {})


@pytest.mark.parametrize("key", ["a_b", "a.b", "-a", "a" * 122, "1a"])
def test_a_task_key_that_argo_refuses(key: str) -> None:
    tasks = {key: task(key, component="comp-one")}
    assert key[:20] in refusal(spec([ONE], tasks))


def test_the_key_of_a_component_that_is_a_dag_may_hold_no_underscore() -> None:
    inner = {"dag": {"tasks": {"one": task("one")}}}
    pipeline = spec([ONE], {"all": task("all", component="my_dag")}, components={"my_dag": inner})
    assert "my_dag" in refusal(pipeline)


def test_the_key_of_a_component_that_is_a_container_may_hold_one() -> None:
    pipeline = spec([step("o_n.e", {})], {"one": task("one", component="comp-o_n.e")})
    compile_run(accept(json.dumps(pipeline), RULES), {}, NEW, RULES)


def test_tasks_in_a_circle() -> None:
    tasks = {
        "a": task("a", component="comp-one", dependentTasks=["b"]),
        "b": task("b", component="comp-one", dependentTasks=["a"]),
    }
    assert "circle" in refusal(spec([ONE], tasks))


def test_a_dependency_that_is_not_there() -> None:
    assert "'b'" in refusal(spec([ONE], {"a": task("a", component="comp-one", dependentTasks=["b"])}))


def test_a_pipeline_name_that_kubernetes_refuses() -> None:
    pipeline = spec([ONE], {"one": task("one")}) | {"pipelineInfo": {"name": "My Pipeline"}}
    assert "My Pipeline" in refusal(pipeline)


def test_a_loop_over_artifacts() -> None:
    looped = task("one", artifactIterator={"itemInput": "x", "items": {"inputArtifact": "y"}})
    assert "loop" in refusal(spec([ONE], {"one": looped}))


def test_a_retry_policy_of_kfp_2_5_counts_for_tasks_of_the_root_only() -> None:
    policy = {"maxRetryCount": 2, "backoffFactor": 1.5}
    inner = {"dag": {"tasks": {"one": task("one", retryPolicy=policy)}}}
    pipeline = spec(
        [ONE],
        {"two": task("two", component="comp-one", retryPolicy=policy), "all": task("all", component="all")},
        components={"all": inner},
    )
    templates = compile_run(accept(json.dumps(pipeline), rules("2.5")), {}, NEW, rules("2.5")).templates

    with_strategy = {name: each["retryStrategy"] for name, each in templates.items() if "retryStrategy" in each}
    assert list(with_strategy) == ["two-system-container-impl"]
    assert with_strategy["two-system-container-impl"]["backoff"] == {
        "duration": "0",
        "factor": "1",
        "maxDuration": "",
    }


def test_a_workflow_that_kubernetes_cannot_store() -> None:
    steps = [step(f"s{index}", {"write": {"0": f"{index}" + "x" * 100_000}}) for index in range(16)]
    assert "bytes" in refusal(spec(steps, {each["name"]: task(each["name"]) for each in steps}))


def test_macros_in_parameters_of_a_run() -> None:
    given = {
        "a": "run [[RunUUID]] of [[CurrentTime]]",
        "b": "[[CurrentTime.2006-01-02]] {{$.currentTime.strftime('%H:%M')}}",
        "c": "[[ScheduledTime]] [[Index]] {{$.pipeline_job_name}}",
        "d": 3,
    }
    expected = given | {"a": "run r of 20261128201505", "b": "2026-11-28 20:15"}
    assert macros.expand(given, "r", NOW) == expected
    parameters = {name: {"parameterType": "STRING"} for name in "abc"} | {"d": {"parameterType": "NUMBER_INTEGER"}}
    accepted = accept(
        json.dumps(spec([ONE], {"one": task("one")}, root={"inputDefinitions": {"parameters": parameters}})), RULES
    )

    def configuration(release: str) -> Any:
        entrypoint = compile_run(accepted, given, NEW, rules(release)).templates["entrypoint"]
        return json.loads(entrypoint["dag"]["tasks"][0]["arguments"]["parameters"][1]["value"])["parameterValues"]

    assert configuration("2.17") == expected
    assert configuration("2.15") == given
