"""The drivers of the root, a DAG and a container. Each makes a decision, and records an execution in ML Metadata."""

from __future__ import annotations

import json
import uuid
from typing import Any

from limbeck.kubeflow.simulate import sessions, uris
from limbeck.kubeflow.simulate.cache import cache_key
from limbeck.kubeflow.simulate.cel.condition import holds
from limbeck.kubeflow.simulate.cel.tokens import CelError
from limbeck.kubeflow.simulate.driver import pod
from limbeck.kubeflow.simulate.driver.inputs import items_of, resolve
from limbeck.kubeflow.simulate.driver.options import Decision, DriverError, Options, Run
from limbeck.kubeflow.simulate.driver.outputs import provision
from limbeck.kubeflow.simulate.driver.platform import Platform
from limbeck.kubeflow.simulate.executions import CONTAINER, DAG, NewExecution
from limbeck.kubeflow.simulate.upload.strict import free
from limbeck.kubeflow.simulate.values import stable_json
from limbeck.kubeflow.simulate.workflow.stored import struct


def root(run: Run, configuration: dict[str, Any], default_root: str) -> Decision:
    """Runs the driver of the root: makes the contexts of the run, and records its parameters.

    Args:
      run: the run.
      configuration: `gcsOutputDirectory` and `parameterValues` of the run.
      default_root: pipeline root of the installation. The root in the spec is not used.
    """
    decision = Decision()
    folder = configuration.get("gcsOutputDirectory") or default_root
    try:
        session = sessions.session(folder, run.rules)
        contexts = run.metadata.contexts(
            run.pipeline, run.identity, uris.below(folder, run.pipeline, run.identity), session
        )
    except uris.UriError as error:
        decision.error, decision.exit_code = str(error), 1
        return decision
    values = configuration.get("parameterValues")
    new = NewExecution(DAG, "", "", name=f"run/{run.identity}", inputs=values)
    decision.execution = run.metadata.create(contexts, new)
    return decision


def dag(options: Options) -> Decision:
    """Runs the driver of a DAG, or of a loop."""
    return _guarded(options, _dag)


def container(options: Options) -> Decision:
    """Runs the driver of a container."""
    return _guarded(options, _container)


def _guarded(options: Options, work: Any) -> Decision:
    decision = Decision()
    try:
        work(options, decision)
    except (DriverError, CelError) as error:
        decision.error = options.told(error)
        decision.exit_code = error.exit_code if isinstance(error, DriverError) else 1
        if decision.exit_code > 1:
            # The process died before it wrote anything.
            return Decision(error=decision.error, exit_code=decision.exit_code)
    return decision


def _inputs(options: Options, decision: Decision) -> dict[str, Any]:
    if not options.display_name:
        raise DriverError("task spec is required: taskInfo.name is missing")
    inputs = resolve(options)
    decision.executor_input = {"inputs": inputs}
    condition = options.task.get("triggerPolicy", {}).get("condition", "")
    if condition:
        decision.condition = holds(condition, inputs)
    return inputs


def _new(options: Options, kind: str, decision: Decision, properties: dict[str, Any]) -> NewExecution:
    inputs = (decision.executor_input or {})["inputs"]
    if options.iteration >= 0:
        properties = {"iteration_index": options.iteration, **properties}
    return NewExecution(
        kind=kind,
        task=options.task_name,
        display_name=options.display_name,
        parent=options.dag,
        triggered=decision.condition is not False,
        inputs=inputs.get("parameterValues", {}),
        artifacts={
            key: [int(each["name"]) for each in held["artifacts"]]
            for key, held in inputs.get("artifacts", {}).items()
        },
        properties=properties,
    )


def _dag(options: Options, decision: Decision) -> None:
    inputs = _inputs(options, decision)
    component = options.component["dag"]
    outputs = component.get("outputs", {})
    properties: dict[str, Any] = {}
    if "parameters" in outputs:
        texts = {key: stable_json(spec) for key, spec in outputs["parameters"].items()}
        properties["parameter_producer_task"] = texts
    if "artifacts" in outputs:
        specs = {key: struct("DagOutputArtifact", spec) for key, spec in sorted(outputs["artifacts"].items())}
        properties["artifact_producer_task"] = json.dumps(specs, separators=(",", ":"), ensure_ascii=False)
    properties["total_dag_tasks"] = len(component.get("tasks", {}))
    iterator = options.task.get("parameterIterator")
    if iterator is not None and options.iteration < 0 and decision.condition is not False:
        decision.iterations = len(_items(iterator, inputs))
        properties["iteration_count"] = decision.iterations
    run = options.run
    decision.execution = run.metadata.create(run.contexts, _new(options, DAG, decision, properties))


def _items(iterator: dict[str, Any], inputs: dict[str, Any]) -> list[Any]:
    items = iterator.get("items", {})
    if "raw" in items:
        try:
            value = free(json.loads(items["raw"]))
        except ValueError:
            raise DriverError(f"the items of the loop are no JSON: {items['raw']!r}") from None
        inputs.setdefault("parameterValues", {})[iterator.get("itemInput", "")] = value
    else:
        value = inputs.get("parameterValues", {}).get(items.get("inputParameter", ""))
    return items_of(value)


def _container(options: Options, decision: Decision) -> None:
    _inputs(options, decision)
    run, executor_input = options.run, decision.executor_input
    if executor_input is None:
        raise ValueError("a driver without executor input")
    properties: dict[str, Any] = {}
    hit = None
    if decision.condition is not False:
        definitions = options.component.get("outputDefinitions", {})
        executor_input["outputs"] = provision(
            run.contexts.root, options.task_name, str(uuid.uuid4()), definitions, run.rules
        )
        if options.task.get("cachingOptions", {}).get("enableCache"):
            key = cache_key(executor_input, definitions, options.container, _claims(options))
            hit = run.cache.find(run.pipeline, key)
            properties["cache_fingerprint"] = key
            if hit is not None:
                properties["cached_execution_id"] = str(hit)
    decision.execution = run.metadata.create(run.contexts, _new(options, CONTAINER, decision, properties))
    if decision.condition is False:
        return
    decision.cached = False
    if hit is not None:
        _reuse(options, decision, hit)
        return
    patched = pod.patch(options, executor_input, decision.execution)
    if options.platform is not None:
        Platform(options, patched).apply()
    decision.pod = patched


def _reuse(options: Options, decision: Decision, hit: int) -> None:
    """Publishes the outputs of an earlier execution as outputs of this one: the same artifacts, by their ids."""
    metadata = options.run.metadata
    held = metadata.outputs(hit)
    outputs = (decision.executor_input or {})["outputs"]["artifacts"]
    missing = sorted(outputs.keys() - held.keys())
    if missing:
        raise DriverError(f"execution {hit}, which the cache names, has no output {missing[0]!r}")
    parameters = metadata.parameters(metadata.execution(hit))[1]
    artifacts = [(key, held[key]) for key in sorted(outputs)]
    metadata.publish(options.run.contexts, decision.execution, "CACHED", parameters, artifacts)
    decision.cached = True


def _claims(options: Options) -> list[str]:
    if not (options.platform or {}).get("pvcMount"):
        return []
    scratch: dict[str, Any] = {"containers": [{}]}
    Platform(options, scratch).apply()
    return [volume["name"] for volume in scratch["volumes"] if "persistentVolumeClaim" in volume]
