"""Chooses the templates of a container's task.

There is one pair of templates for most tasks, one for tasks with a retry policy, and one for each number of labels and
annotations.
"""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.refusals import RefusedError
from limbeck.kubeflow.simulate.upload.strict import FieldError, Parser
from limbeck.kubeflow.simulate.workflow import pod_metadata, pod_templates, retries
from limbeck.kubeflow.simulate.workflow.compilation import Compilation


def executor_template(
    made: Compilation, task: dict[str, Any], component: str, name: str
) -> tuple[str, list[dict[str, str]]]:
    """Returns the template of a task's executor, and the task's arguments. Makes the template if needed.

    Raises:
      RefusedError: if KFP does not know a field of the platform entry.
    """
    metadata = _metadata(made, component)
    policy = task.get("retryPolicy")
    fixed = policy is not None and not made.rules.retry_by_parameters
    if fixed and name not in made.root_tasks:
        policy, fixed = None, False
    retried = [] if fixed else retries.arguments(policy)
    before = f"{name}-" if fixed else "retry-" if retried else ""
    template = f"{pod_metadata.prefix(metadata)}{before}system-container"
    annotated = pod_metadata.arguments(metadata)
    names = [each["name"] for each in annotated] + (list(retries.PARAMETERS) if retried else [])
    if f"{template}-executor" not in made.templates:
        made.add(pod_templates.executor(f"{template}-executor", f"{template}-impl", names, retries.PARAMETERS))
        labels, annotations = (pod_metadata.entries(metadata, kind) for kind in ("label", "annotation"))
        if labels:
            labels = made.pod_labels() | labels
        pod = pod_templates.implementation(f"{template}-impl", names, labels, annotations)
        if policy is not None:
            pod["container"]["env"].append(retries.ATTEMPT)
            pod["retryStrategy"] = retries.fixed_strategy(policy) if fixed else retries.strategy()
        made.add(pod)
    return f"{template}-executor", [*annotated, *retried]


def _metadata(made: Compilation, component: str) -> dict[str, Any] | None:
    entry = made.platform.get(made.components[component]["executorLabel"])
    if entry is None:
        return None
    parser = Parser(made.rules.number[1], lenient=not made.rules.strict_platform)
    try:
        metadata = parser.message("KubernetesExecutor", entry).get("podMetadata")
    except FieldError as error:
        raise RefusedError("run", f"the platform document, executor of {component}: {error}") from None
    return metadata if isinstance(metadata, dict) else None
