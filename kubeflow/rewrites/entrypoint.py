"""Replaces TFX's entrypoint by our own, which starts TFX's executors.

TFX's entrypoint cannot work with the arguments of KFP: types of artifacts are missing, TensorFlow cannot open the URIs,
and folders do not exist (tensorflow/tfx#7768 and more; `limbeck.kubeflow.entrypoint` says how it solves each problem).
Our entrypoint needs the definitions of the component's inputs and outputs, which KFP does not pass. They are arguments,
as sorted JSON, so that equal components have equal arguments. The node's id is an argument, too, because KFP stores one
component for all equal containers, and gives the second container the outputs of the first.
"""

from __future__ import annotations

import copy
from typing import Literal

from limbeck.kubeflow.specification import EXECUTOR_INPUT, Spec, containers, text_of

NEEDED_BY = "2.5, 2.15, 2.17"
DEFECT = 'tensorflow/tfx#7768; KFP writes instanceSchema: "" (backend/src/v2/metadata/client.go)'
Target = Literal["kubeflow", "vertex"]
COMMAND = ("python", "-m", "limbeck.kubeflow.entrypoint")
_STOCK = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


def set_entrypoint(spec: Spec, target: Target) -> Spec:
    """A spec in which TFX's containers start `limbeck.kubeflow.entrypoint`; flags of Beam stay behind the rest."""
    spec = copy.deepcopy(spec)
    for name, component, container in containers(spec):
        if _STOCK in container.get("command", []):
            executor, flags = _stock_arguments(container["args"])
            container["command"] = list(COMMAND)
            container["args"] = [
                *("--node", name, "--target", target, "--executor", executor),
                *("--invocation", EXECUTOR_INPUT),
                *("--inputs", text_of(component.get("inputDefinitions", {}))),
                *("--outputs", text_of(component.get("outputDefinitions", {}))),
                *flags,
            ]
    return spec


def _stock_arguments(arguments: list[str]) -> tuple[str, list[str]]:
    """The executor's class, and the flags of Beam."""
    named = dict(zip(arguments[::2], arguments[1::2], strict=False))
    last = "--json_serialized_inputs_spec_args"
    return named["--executor_class_path"], arguments[arguments.index(last) + 2 :]
