"""The model of Triton's Python backend: a student or a teacher, called by TensorFlow, or a compressed file.

Triton loads this file as `model.py` in an environment of its own. It does what a careful user would: the requests of a
batch are one call, and TensorFlow is called by a concrete function, as our server does. The parameters of the model's
configuration name the folder of the SavedModel, and perhaps the file.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import triton_python_backend_utils as backend


class TritonPythonModel:
    """What Triton calls."""

    def initialize(self, args: dict[str, str]) -> None:
        """Loads the model, and calls it once."""
        import tensorflow as tf

        config = json.loads(args["model_config"])
        given = {name: value["string_value"] for name, value in config["parameters"].items()}
        self._outputs = [one["name"] for one in config["output"]]
        [self._input] = [one["name"] for one in config["input"]]
        [size] = [int(one) for one in config["input"][0]["dims"]]
        self._owner = tf.saved_model.load(given["saved_model"])
        signature = self._owner.signatures["serving_tensors"]
        names = sorted(signature.structured_outputs) if "file" in given else self._outputs
        placed = tf.function(
            lambda values: [signature(**{self._input: values})[name] for name in names],
            input_signature=[tf.TensorSpec([None, size], tf.float32)],
            autograph=False,
        ).get_concrete_function()
        self._call: Any = lambda values: [one.numpy() for one in placed(tf.constant(values))]
        if "file" in given:
            self._call = _by_file(given["file"], names, self._call)
        self._call(np.zeros([1, size], np.float32))

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answers the requests that Triton has put together."""
        arrays = [backend.get_input_tensor_by_name(one, self._input).as_numpy() for one in requests]
        answers = self._call(arrays[0] if len(arrays) == 1 else np.concatenate(arrays))
        responses, start = [], 0
        for array in arrays:
            end = start + len(array)
            tensors = [
                backend.Tensor(name, answer[start:end])
                for name, answer in zip(self._outputs, answers, strict=True)
            ]
            responses.append(backend.InferenceResponse(tensors))
            start = end
        return responses


def _by_file(file: str, names: list[str], transform: Any) -> Any:
    """Returns raw features -> logits by a LiteRT file, one example after the other."""
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(file, num_threads=1).get_signature_runner()
    [output] = runner.get_output_details()

    def call(values: Any) -> list[Any]:
        inputs = dict(zip(names, transform(values), strict=True))
        rows = [
            runner(**{name: value[place : place + 1] for name, value in inputs.items()})[output]
            for place in range(len(values))
        ]
        return [np.concatenate(rows)]

    return call
