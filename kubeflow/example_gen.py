"""Passes the results of ExampleGen's driver to its executor: where the data are, and their span and fingerprint."""

from __future__ import annotations

import copy
from typing import Any

from limbeck.kubeflow.rewrites.data_fingerprint import FOUND
from limbeck.kubeflow.rewrites.task_data import OUTPUT

_EXAMPLES = "examples"
_TOLD = ("input_fingerprint", "span", "version")


def with_base(content: dict[str, Any]) -> dict[str, Any]:
    """An ExecutorInput whose parameter `input_base` is the place of the artifact `data`, where there is one.

    Args:
      content: with places that can be opened; stays as it is.
    """
    content = copy.deepcopy(content)
    data = content["inputs"].get("artifacts", {}).pop(OUTPUT, None)
    if data is not None:
        content["inputs"]["parameterValues"]["input_base"] = data["artifacts"][0]["uri"]
    return content


def driven(content: dict[str, Any]) -> dict[str, Any]:
    """An ExecutorInput for the executor of ExampleGen; any other as it is.

    Fingerprint, span and version become metadata of the examples, where TFX's driver writes them. A version that is
    missing was an empty text on the way, and is left out.
    """
    values = content["inputs"].get("parameterValues", {})
    if not FOUND.keys() <= values.keys():
        return content
    content = with_base(content)
    values = content["inputs"]["parameterValues"]
    version = values.pop("version")
    told = {key: values[key] for key in _TOLD if key in values} | ({"version": int(version)} if version else {})
    [examples] = content["outputs"]["artifacts"][_EXAMPLES]["artifacts"]
    examples["metadata"] = {**examples.get("metadata", {}), **told}
    return content
