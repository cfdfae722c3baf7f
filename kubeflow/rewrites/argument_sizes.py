"""Refuses arguments that are too long to start a process.

KFP passes a task's component, its container and its inputs to driver and launcher as one argument each. It passes the
whole root, with every constant of every task, to the driver of the root. Linux allows 128 KiB for each argument. A
longer argument ends as "argument list too long" in a pod, and the message does not say which argument.
"""

from __future__ import annotations

from limbeck.errors import ConfigError
from limbeck.kubeflow.specification import Spec, component_of, constants, container_of, tasks, text_of

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "KFP passes components and inputs as arguments of processes"
# What KFP adds by itself, such as URIs and types, needs the rest.
LIMIT = 100 * 1024


def assert_sizes(spec: Spec) -> Spec:
    """Returns the spec. Raises ConfigError where an argument would be longer than `LIMIT` bytes."""
    _assert_size("all tasks of the pipeline with their settings", text_of(spec["root"]))
    for name, task in tasks(spec):
        component = component_of(spec, task)
        # The component, and the inputs with the types of all outputs.
        _assert_size(f"node '{name}' with its settings", text_of(component) + text_of(constants(task)))
        container = container_of(spec, component)
        if container is not None:
            _assert_size(f"the container of '{name}'", text_of(container))
    return spec


def _assert_size(what: str, argument: str) -> None:
    size = len(argument.encode())
    if size > LIMIT:
        raise ConfigError(
            f"{what} would be an argument of {size} bytes, and Kubeflow Pipelines can start a process with {LIMIT}: "
            "shorten the settings, or keep what is long in a file that the task reads"
        )
