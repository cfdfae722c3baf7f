"""Which processes are measured: the same executor, with the same input, behind two entrypoints."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from limbeck.kubeflow.invocation import Definitions, understood
from limbeck.kubeflow.specification import Spec, containers

# The variable with the path of the executor that a probe stands for.
PROBED = "LIMBECK_PROBED_EXECUTOR"
OURS, STOCK = "ours", "stock TFX"
_PROBE = "benchmarks.start_up.probe.Probe"
_STOCK_MODULE = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"


@dataclasses.dataclass(frozen=True)
class Start:
    """A process to be measured.

    Attributes:
      component: id of the node.
      entrypoint: OURS or STOCK.
      executor: path of the executor's class.
      arguments: of the interpreter.
    """

    component: str
    entrypoint: str
    executor: str
    arguments: tuple[str, ...]


def starts(spec: Spec, component: str, folder: Path) -> tuple[Start, Start]:
    """Returns how our entrypoint and TFX's start a node of a compiled pipeline.

    Ours gets what KFP's launcher gives. TFX's cannot read that, so it gets what Vertex AI would give: the same
    artifacts and parameters, with the types of the artifacts.

    Args:
      spec: compiled for Kubeflow Pipelines.
      component: id of the node.
      folder: where the places of the artifacts are.

    Raises:
      ValueError: if the pipeline has no such node with an executor.
    """
    for name, definition, container in containers(spec):
        if name == component and "--executor" in container["args"]:
            arguments = list(container["args"])
            place = arguments.index("--executor") + 1
            executor, arguments[place] = arguments[place], _PROBE
            inputs, outputs = definition.get("inputDefinitions", {}), definition.get("outputDefinitions", {})
            given = _executor_input(inputs, outputs, folder / component)
            ours = [json.dumps(given) if word == "{{$}}" else word for word in arguments]
            flags = arguments[arguments.index("--outputs") + 2 :]
            content = understood(given, Definitions(inputs, outputs), "kubeflow").content
            stock = [
                *("--executor_class_path", _PROBE),
                *("--json_serialized_invocation_args", json.dumps(content)),
                *("--json_serialized_inputs_spec_args", json.dumps(inputs)),
                *flags,
            ]
            return (
                Start(component, OURS, executor, (*container["command"][1:], *ours)),
                Start(component, STOCK, executor, ("-m", _STOCK_MODULE, *stock)),
            )
    raise ValueError(f"the pipeline has no node '{component}' with an executor")


def environment(start: Start, python: Path, root: Path, home: Path) -> dict[str, str]:
    """Returns the variables of the image, with this checkout in the place of the image's packages."""
    return {
        "PATH": f"{python.parent}:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(root),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        PROBED: start.executor,
    }


def _executor_input(inputs: dict[str, Any], outputs: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Returns an ExecutorInput of KFP's form. Nothing reads the values: the executor ends when it is called."""

    def artifacts(side: dict[str, Any], of: str) -> dict[str, Any]:
        return {
            key: {
                "artifacts": [
                    {
                        "name": str(number),
                        "type": {"instanceSchema": ""},
                        "uri": str(folder / of / key),
                        "metadata": {},
                    }
                ]
            }
            for number, key in enumerate(sorted(side.get("artifacts", {})), start=1)
        }

    values = {
        "STRING": "{}",
        "NUMBER_INTEGER": 1.0,
        "NUMBER_DOUBLE": 0.5,
        "BOOLEAN": True,
        "LIST": [],
        "STRUCT": {},
    }
    return {
        "inputs": {
            "artifacts": artifacts(inputs, "inputs"),
            "parameterValues": {
                key: values[one["parameterType"]] for key, one in inputs.get("parameters", {}).items()
            },
        },
        "outputs": {
            "artifacts": artifacts(outputs, "outputs"),
            "outputFile": str(folder / "task" / "output_metadata.json"),
        },
    }
