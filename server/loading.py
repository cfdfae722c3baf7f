"""Loads one version: its SavedModel, and the compressed file beside it if there is one.

The first calls of a function are slow, because TensorFlow makes kernels for them. So each signature that clients use is
called once before a client is.
"""

from __future__ import annotations

import dataclasses
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.server import batching
from limbeck.server.signature import BY_FEATURES, DEFAULT, Arrays, Signature
from limbeck.server.tensors import Array, RequestError, TensorInfo

COMPRESSED = "compressed"
_USED = (DEFAULT, BY_FEATURES)


@dataclasses.dataclass(frozen=True)
class Version:
    """A version that is loaded.

    Attributes:
      number: its number.
      signatures: what it answers, by name.
      compressed: what its compressed file answers: `serving_tensors` alone; None if there is no file.
    """

    number: int
    signatures: Mapping[str, Signature]
    compressed: Mapping[str, Signature] | None = None


def load(
    number: int,
    folder: Path,
    batches: batching.Batches | None = None,
    answered: Callable[[Signature, Arrays], None] | None = None,
) -> Version:
    """Loads a version, and calls it once.

    Args:
      number: its number.
      folder: its folder.
      batches: how requests are put together; None answers each on its own.
      answered: is told of each request of a client that was answered.

    Raises:
      OSError, ValueError: if the files are not those of a SavedModel.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signatures = {name: _signature(name, loaded.signatures[name], batches, loaded) for name in loaded.signatures}
    if DEFAULT not in signatures:
        raise ValueError(f"{folder} has no signature '{DEFAULT}', but {sorted(signatures)}")
    compressed = _compressed(folder / COMPRESSED)
    version = Version(number, _told_of(signatures, answered), compressed and _told_of(compressed, answered))
    for called in (version.signatures, version.compressed or {}):
        for name in _USED:
            if name in called:
                _warm_up(called[name])
    return version


def _told_of(
    signatures: Mapping[str, Signature], answered: Callable[[Signature, Arrays], None] | None
) -> dict[str, Signature]:
    return {name: dataclasses.replace(one, answered=answered) for name, one in signatures.items()}


def _signature(name: str, function: Any, batches: batching.Batches | None, owner: Any) -> Signature:
    infos = tuple(_info(one, spec) for one, spec in sorted(function.structured_input_signature[1].items()))
    outputs = tuple(_info(one, spec) for one, spec in sorted(function.structured_outputs.items()))
    called = function if batches is None else batching.batched(function, infos, outputs, batches)

    def call(arrays: Arrays) -> dict[str, Array]:
        # TensorFlow frees the weights together with the object that it loaded.
        _ = owner
        return {one: value.numpy() for one, value in _told(called, _constants(arrays, infos)).items()}

    return Signature(name, infos, outputs, call)


def _constants(arrays: Arrays, infos: tuple[TensorInfo, ...]) -> dict[str, Any]:
    import tensorflow as tf

    return {one.name: tf.constant(arrays[one.name], dtype=one.dtype) for one in infos}


def _told(function: Any, tensors: Mapping[str, Any]) -> Mapping[str, Any]:
    """Calls a function. Raises RequestError if it says that its inputs are wrong, such as bytes that are no example."""
    import tensorflow as tf

    try:
        return dict(function(**tensors))
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"\n([^\n]+)\n\s*\[\[", error.message)
        raise RequestError(f"the model refuses the inputs: {found[1] if found else error.message}") from error


def _info(name: str, spec: Any) -> TensorInfo:
    return TensorInfo(name, spec.dtype.name, tuple(-1 if size is None else int(size) for size in spec.shape))


def _warm_up(signature: Signature) -> None:
    arrays = {}
    for one in signature.inputs:
        shape = [1, *(1 if size < 0 else size for size in one.shape[1:])]
        arrays[one.name] = np.full(shape, b"", object) if one.dtype == "string" else np.zeros(shape, one.dtype)
    if signature.name == DEFAULT and any(one.dtype == "string" for one in signature.inputs):
        # An empty text is an example without features, which is refused where a feature has no default.
        return
    signature.call(arrays)


def _compressed(folder: Path) -> dict[str, Signature] | None:
    """Returns raw features -> logits by the compressed file, one example after the other."""
    file = folder / "student.tflite"
    if not file.is_file():
        return None
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    owner = tf.saved_model.load(str(folder / "transform"))
    transform = owner.signatures[BY_FEATURES]
    runner = Interpreter(str(file), num_threads=1).get_signature_runner()
    infos = tuple(_info(one, spec) for one, spec in sorted(transform.structured_input_signature[1].items()))
    outputs = tuple(
        TensorInfo(name, np.dtype(one["dtype"]).name, (-1, *map(int, one["shape"][1:])))
        for name, one in runner.get_output_details().items()
    )
    # An interpreter keeps its tensors, so it serves one thread at a time.
    alone = threading.Lock()

    def call(arrays: Arrays) -> dict[str, Array]:
        inputs = {name: value.numpy() for name, value in _told(transform, _constants(arrays, infos)).items()}
        with alone:
            _ = owner
            rows = [
                runner(**{name: value[place : place + 1] for name, value in inputs.items()})
                for place in range(len(next(iter(inputs.values()))))
            ]
        return {one.name: np.concatenate([row[one.name] for row in rows]) for one in outputs}

    return {BY_FEATURES: Signature(BY_FEATURES, infos, outputs, call)}
