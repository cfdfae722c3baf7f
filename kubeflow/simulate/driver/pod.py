"""The patch of the executor's pod: command, image, resources and environment of the user's container."""

from __future__ import annotations

from typing import Any

from limbeck.kubeflow.simulate.driver import placeholders
from limbeck.kubeflow.simulate.driver.options import Options
from limbeck.kubeflow.simulate.driver.quantities import canonical
from limbeck.kubeflow.simulate.values import short, stable_json

LAUNCHER = "/kfp-launcher/launch"
_QUANTITIES = (
    ("limits", "memory", "resourceMemoryLimit", "memoryLimit", "G"),
    ("requests", "memory", "resourceMemoryRequest", "memoryRequest", "G"),
    ("limits", "cpu", "resourceCpuLimit", "cpuLimit", ""),
    ("requests", "cpu", "resourceCpuRequest", "cpuRequest", ""),
)


def patch(options: Options, executor_input: dict[str, Any], execution: int) -> dict[str, Any]:
    """Returns the pod of a task, without its platform entry.

    Args:
      options: options of the driver.
      executor_input: the executor input that the launcher gets.
      execution: id of the execution.

    Raises:
      DriverError: for a placeholder without value, or an invalid quantity.
    """
    container, run = options.container, options.run
    values = executor_input.get("inputs", {}).get("parameterValues", {})
    given = [container.get("command", []), container.get("args", [])]
    if run.rules.driver_resolves_placeholders:
        given = [placeholders.words(each, values) for each in given]
    launcher = {
        "pipeline_name": run.pipeline,
        "run_id": run.identity,
        "execution_id": str(execution),
        "executor_input": stable_json(executor_input),
        "component_spec": stable_json(options.component),
        "pod_name": "$(KFP_POD_NAME)",
        "pod_uid": "$(KFP_POD_UID)",
        "publish_logs": "true",
    }
    flags = [word for name, value in launcher.items() for word in (f"--{name}", value)]
    main: dict[str, Any] = {
        "name": "main",
        "command": [LAUNCHER, *flags, "--"],
        "args": [word for part in given for word in part],
        "image": placeholders.single(container.get("image", ""), values),
        "resources": _resources(container.get("resources", {}), values),
    }
    environment = [
        {key: each[key] for key in ("name", "value") if key in each} for each in container.get("env", [])
    ]
    if environment:
        main["env"] = environment
    return {"containers": [main]}


def _resources(given: dict[str, Any], values: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Returns limits and requests. Numbers are cores or gigabytes. An accelerator's type is a resource's name."""
    found: dict[str, dict[str, str]] = {}
    for room, resource, text_key, number_key, unit in _QUANTITIES:
        text = given.get(text_key, "")
        if text:
            text = placeholders.single(text, values)
        elif given.get(number_key):
            text = short(given[number_key]) + unit
        else:
            continue
        found.setdefault(room, {})[resource] = canonical(text)
    accelerator = given.get("accelerator")
    if accelerator:
        kind = accelerator.get("type", "")
        if accelerator.get("resourceType"):
            kind = placeholders.single(accelerator["resourceType"], values)
        count = accelerator.get("count", "")
        if accelerator.get("resourceCount"):
            count = placeholders.single(accelerator["resourceCount"], values)
        if kind and count:
            found.setdefault("limits", {})[kind] = canonical(count)
    return found
