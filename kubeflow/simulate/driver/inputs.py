"""Resolves the inputs of a task: parameters of the DAG around it, constants, outputs of earlier tasks."""

from __future__ import annotations

import json
from typing import Any

from limbeck.kubeflow.simulate.cel.condition import select
from limbeck.kubeflow.simulate.cel.tokens import CelError
from limbeck.kubeflow.simulate.driver.kinds import convert
from limbeck.kubeflow.simulate.driver.options import UNSET, DriverError, NullParameterError, Options
from limbeck.kubeflow.simulate.driver.upstream import Upstream
from limbeck.kubeflow.simulate.properties import get_property
from limbeck.kubeflow.simulate.upload.run_parameters import allowed
from limbeck.kubeflow.simulate.upload.strict import free

Inputs = dict[str, Any]
_TIMES = ("{{$.pipeline_job_create_time_utc}}", "{{$.pipeline_job_schedule_time_utc}}")


def resolve(options: Options) -> Inputs:
    """Returns the inputs of a task: `parameterValues` and `artifacts`.

    Raises:
      DriverError: if an input is missing, or has another type.
    """
    upstream = Upstream(options)
    metadata = options.run.metadata
    around = metadata.parameters(upstream.dag)[0]
    artifacts = {key: runtime_artifact(found) for key, found in metadata.inputs(options.dag).items()}
    if options.iteration >= 0:
        return _of_iteration(options, around, artifacts)
    values, empty = _defaults_of_dag(options)
    definitions = options.component.get("inputDefinitions", {}).get("parameters", {})
    for name, spec in options.task.get("inputs", {}).get("parameters", {}).items():
        definition = definitions.get(name, {})
        if definition.get("parameterType") == "TASK_CONFIG":
            continue
        try:
            value = parameter(options, spec, around, upstream)
        except NullParameterError:
            # Null for an optional input means that it is not given.
            if definition.get("isOptional"):
                continue
            raise
        if not allowed(definition.get("literals", []), value):
            raise DriverError(f"parameter {name!r} takes one of {definition['literals']}; received {value!r}")
        values[name] = value
    held = {
        name: {"artifacts": _artifacts(options, name, spec, artifacts, upstream)}
        for name, spec in options.task.get("inputs", {}).get("artifacts", {}).items()
    }
    return _checked(options, values, held, empty)


def parameter(options: Options, spec: dict[str, Any], around: dict[str, Any], upstream: Upstream) -> Any:
    """Returns the value of one input parameter.

    Args:
      options: options of the driver.
      spec: where the value comes from.
      around: input parameters of the DAG around the task.
      upstream: the earlier tasks.

    Raises:
      NullParameterError: if the DAG's parameter is null.
      DriverError: if it is missing.
    """
    if "componentInputParameter" in spec:
        name = spec["componentInputParameter"]
        if name not in around:
            raise DriverError(
                f"the DAG around it has no input parameter {name!r}; it has {', '.join(around) or 'none'}"
            )
        if around[name] is None:
            raise NullParameterError(f"the parameter {name!r} is null")
        return around[name]
    if "taskOutputParameter" in spec:
        reference = spec["taskOutputParameter"]
        return upstream.parameter(reference.get("producerTask", ""), reference.get("outputParameterKey", ""))
    if "runtimeValue" in spec:
        if "constant" not in spec["runtimeValue"]:
            kind = next(iter(spec["runtimeValue"]), "nothing")
            raise DriverError(f"a runtimeValue that is a {kind} is not implemented: use a constant")
        return _constant(options, spec["runtimeValue"]["constant"])
    if "taskFinalStatus" in spec:
        tasks = options.task.get("dependentTasks", [])
        if not tasks:
            raise DriverError("it asks for a final status, and depends on no task")
        name, state = upstream.state(tasks[0])
        return {
            "state": state,
            "error": {},
            "pipelineJobResourceName": options.run.workflow,
            "pipelineTaskName": name,
        }
    raise DriverError("an input parameter says not where its value comes from")


def runtime_artifact(found: Any) -> dict[str, Any]:
    """Returns an artifact of ML Metadata in the form of an executor input: its name is its id, and it has no type."""
    properties = {**found.properties, **found.custom_properties}
    metadata = {key: free(get_property(value)) for key, value in properties.items()}
    return {"name": str(found.id), "uri": found.uri, "metadata": metadata}


def _constant(options: Options, constant: Any) -> Any:
    """Returns a constant. If the whole text is a placeholder, returns the value of the run that it stands for."""
    run = options.run
    known = {
        "{{$.pipeline_job_name}}": run.display_name,
        "{{$.pipeline_job_resource_name}}": run.workflow,
        "{{$.pipeline_job_uuid}}": run.identity,
        "{{$.pipeline_task_name}}": options.name if run.rules.folder_by_key else options.display_name,
        "{{$.pipeline_task_uuid}}": str(options.dag),
    }
    if run.rules.knows_times:
        known |= dict.fromkeys(_TIMES, run.created)
    return known.get(constant, constant) if isinstance(constant, str) else constant


def _artifacts(
    options: Options, name: str, spec: dict[str, Any], around: dict[str, Any], upstream: Upstream
) -> list[dict[str, Any]]:
    if "componentInputArtifact" in spec:
        key = spec["componentInputArtifact"]
        if key not in around:
            raise DriverError(
                f"the DAG around it has no input artifact {key!r}; it has {', '.join(around) or 'none'}"
            )
        # An artifact that passes through a DAG's inputs loses even its empty type.
        return [around[key]]
    if "taskOutputArtifact" not in spec:
        raise DriverError(f"input artifact {name!r} says not where it comes from")
    reference = spec["taskOutputArtifact"]
    found = upstream.artifacts(reference.get("producerTask", ""), reference.get("outputArtifactKey", ""))
    return [runtime_artifact(each) | {"type": {"instanceSchema": ""}} for each in found]


def _defaults_of_dag(options: Options) -> tuple[dict[str, Any], set[str]]:
    """Returns the optional inputs of a DAG that its task does not give, and which of them are null."""
    values: dict[str, Any] = {}
    empty: set[str] = set()
    if options.kind != "DAG" or not options.run.rules.optional_inputs_of_dags:
        return values, empty
    given = options.task.get("inputs", {}).get("parameters", {})
    for name, definition in options.component.get("inputDefinitions", {}).get("parameters", {}).items():
        if name not in given and definition.get("isOptional"):
            values[name] = definition.get("defaultValue")
            if "defaultValue" not in definition:
                empty.add(name)
    return values, empty


def _of_iteration(options: Options, around: dict[str, Any], artifacts: dict[str, Any]) -> Inputs:
    """Returns the inputs of one iteration: the inputs of the loop, with the item in place of the list."""
    iterator = options.task["parameterIterator"]
    item = iterator.get("itemInput", "")
    source = iterator.get("items", {}).get("inputParameter") or item
    values = dict(around)
    items = items_of(values.pop(source, None))
    if options.iteration >= len(items):
        raise DriverError(f"iteration {options.iteration} of {len(items)} items")
    values[item] = items[options.iteration]
    return _checked(options, values, {key: {"artifacts": [each]} for key, each in artifacts.items()}, set())


def items_of(value: Any) -> list[Any]:
    """Returns the items of a list, or of a text that holds a list. Raises DriverError for anything else."""
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise DriverError(f"a loop needs a list, received {value!r}")
    return list(free(found))


def _checked(options: Options, values: dict[str, Any], artifacts: dict[str, Any], empty: set[str]) -> Inputs:
    for name, spec in options.task.get("inputs", {}).get("parameters", {}).items():
        selector = spec.get("parameterExpressionSelector")
        if selector:
            if name not in values:
                raise DriverError(f"parameter {name!r} has a selector {selector!r} and no value")
            try:
                values[name] = free(select(selector, values[name]))
            except CelError as error:
                raise DriverError(f"parameter {name!r}, selector {selector!r}: {error}") from None
    convert(options, values, empty)
    found: Inputs = {}
    if artifacts:
        found["artifacts"] = artifacts
    if values:
        found["parameterValues"] = {name: None if value is UNSET else value for name, value in values.items()}
    return found
