"""A compiled pipeline spec as plain JSON, and the ways through it.

The spec stays a dictionary, because that is what TFX's compiler gives and what is written; a message of kfp's own
would drop or refuse what another version of it does not know.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

Spec = dict[str, Any]
EXECUTOR_INPUT = "{{$}}"


def text_of(value: Any) -> str:
    """JSON with sorted keys and no spaces: the same text for the same value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def dags(spec: Spec) -> Iterator[Spec]:
    """The tasks, by their key, of the root and of every component that is a DAG."""
    for component in (spec["root"], *spec.get("components", {}).values()):
        if "dag" in component:
            yield component["dag"]["tasks"]


def tasks(spec: Spec) -> Iterator[tuple[str, Spec]]:
    """Key and content of every task."""
    for dag in dags(spec):
        yield from dag.items()


def component_of(spec: Spec, task: Spec) -> Spec:
    """The component that a task runs."""
    found: Spec = spec["components"][task["componentRef"]["name"]]
    return found


def container_of(spec: Spec, component: Spec) -> Spec | None:
    """The container that a component starts; None for a DAG, and for an importer."""
    executor = spec["deploymentSpec"]["executors"].get(component.get("executorLabel"), {})
    container: Spec | None = executor.get("container")
    return container


def containers(spec: Spec) -> Iterator[tuple[str, Spec, Spec]]:
    """Name and content of every component that starts a container, and the container."""
    for name, component in spec.get("components", {}).items():
        container = container_of(spec, component)
        if container is not None:
            yield name, component, container


def constants(task: Spec) -> dict[str, Any]:
    """The parameters of a task whose values stand in the spec."""
    given = task.get("inputs", {}).get("parameters", {})
    values = {name: one.get("runtimeValue", {}) for name, one in given.items()}
    return {name: one["constant"] for name, one in values.items() if "constant" in one}


def map_texts(value: Any, function: Callable[[str], None]) -> None:
    """Calls a function with every text in a JSON value; keys do not count."""
    if isinstance(value, str):
        function(value)
    elif isinstance(value, dict):
        for one in value.values():
            map_texts(one, function)
    elif isinstance(value, list):
        for one in value:
            map_texts(one, function)
