"""Turns the settings that a run may change into parameters of the run.

TFX supports runtime parameters, but drops their defaults and descriptions: the form of a run would be empty, and a user
would have to type each value. Here the compiled value is the default, and the meaning of the setting is the
description. Nodes that take the same setting share one parameter of the run.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from limbeck.errors import ConfigError
from limbeck.kubeflow.rewrites.data_fingerprint import NODE as FINGERPRINT
from limbeck.kubeflow.specification import Spec, component_of

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = "TFX writes no more than the type of a runtime parameter (pipeline_builder.py)"
# Settings that reach a node under the name of another.
_RENAMED = {
    ("TeacherTrainer", "training_epochs"): "teachers.epochs",
    ("ExampleGen", "input_base"): "data.path",
    (FINGERPRINT, "input_base"): "data.path",
}


def add_runtime_parameters(spec: Spec, settings: Mapping[str, str]) -> Spec:
    """A spec whose tasks take these settings from parameters of the run.

    Args:
      spec: stays as it is.
      settings: what each means, by its dotted key; a task has it as `section_field`. Those that no task has are left
        out.

    Raises:
      ConfigError: where two nodes have different values of one setting.
    """
    spec = copy.deepcopy(spec)
    keys = {key.replace(".", "_"): key for key in settings}
    declared: dict[str, Any] = {}
    for node, task in spec["root"]["dag"]["tasks"].items():
        given = task.get("inputs", {}).get("parameters", {})
        for name in sorted(given):
            key = _RENAMED.get((node, name), keys.get(name, ""))
            if key not in settings or "constant" not in given[name].get("runtimeValue", {}):
                continue
            parameter = {
                **component_of(spec, task)["inputDefinitions"]["parameters"][name],
                "defaultValue": given[name]["runtimeValue"]["constant"],
                "description": f"{key}: {settings[key]}",
            }
            of_run = key.replace(".", "_")
            if declared.setdefault(of_run, parameter) != parameter:
                raise ConfigError(
                    f"nodes differ in '{key}', so that it cannot be one parameter of the run: received "
                    f"{declared[of_run]['defaultValue']}, and {parameter['defaultValue']} in '{node}'"
                )
            given[name] = {"componentInputParameter": of_run}
    if declared:
        known = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
        known.update(declared)
    return spec
