"""Loads one version: its SavedModel, and the compressed file beside it if there is one.

The first calls of a function are slow, because TensorFlow creates kernels for them. So each signature that clients use
is called once before clients use it.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.server.batching import Batches, Gatherer
from limbeck.server.signature import BY_FEATURES, DEFAULT, Arrays, Signature
from limbeck.server.tensors import Array, RequestError, TensorInfo

COMPRESSED = "compressed"
_USED = (DEFAULT, BY_FEATURES)


@dataclasses.dataclass(frozen=True)
class Version:
    """A loaded version.

    Attributes:
      number: its number.
      signatures: its signatures, by name.
      compressed: the signatures of its compressed file: only `serving_tensors`; None if there is no file.
    """

    number: int
    signatures: Mapping[str, Signature]
    compressed: Mapping[str, Signature] | None = None


def load(
    number: int,
    folder: Path,
    batches: Batches | None = None,
    answered: Callable[[Signature, Arrays], None] | None = None,
) -> Version:
    """Loads a version, and calls it once.

    Args:
      number: its number.
      folder: its folder.
      batches: how requests are put together; None answers each request separately.
      answered: called for each answered request of a client.

    Raises:
      OSError, ValueError: if the files are not a SavedModel.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    signatures = {name: _signature(name, loaded.signatures[name], batches, loaded) for name in loaded.signatures}
    if DEFAULT not in signatures:
        raise ValueError(f"{folder} has no signature '{DEFAULT}', but {sorted(signatures)}")
    compressed = _compressed(folder / COMPRESSED)
    return Version(number, _told_of(signatures, answered), compressed and _told_of(compressed, answered))


def _told_of(
    signatures: Mapping[str, Signature], answered: Callable[[Signature, Arrays], None] | None
) -> dict[str, Signature]:
    return {name: dataclasses.replace(one, answered=answered) for name, one in signatures.items()}


def _signature(name: str, function: Any, batches: Batches | None, owner: Any) -> Signature:
    import tensorflow as tf

    infos = tuple(_info(one, spec) for one, spec in sorted(function.structured_input_signature[1].items()))
    outputs = tuple(_info(one, spec) for one, spec in sorted(function.structured_outputs.items()))
    called = _by_place(function, infos, outputs)

    def call(arrays: Arrays) -> dict[str, Array]:
        # TensorFlow frees the weights together with the loaded object, so a reference is kept.
        _ = owner
        answers = _told(called, [tf.constant(arrays[one.name], dtype=one.dtype) for one in infos])
        return {one.name: value.numpy() for one, value in zip(outputs, answers, strict=True)}

    return _served(name, infos, outputs, call, batches)


def _served(
    name: str,
    inputs: tuple[TensorInfo, ...],
    outputs: tuple[TensorInfo, ...],
    call: Callable[[Arrays], dict[str, Array]],
    batches: Batches | None,
) -> Signature:
    """Returns a signature whose calls run in threads. Makes a first call."""
    if name in _USED:
        _warm_up(name, inputs, call)

    async def threaded(arrays: Arrays) -> dict[str, Array]:
        return await asyncio.to_thread(call, arrays)

    return Signature(name, inputs, outputs, threaded if batches is None else Gatherer(call, batches))


def _by_place(
    function: Any, inputs: Sequence[TensorInfo], outputs: Sequence[TensorInfo]
) -> Callable[..., Sequence[Any]]:
    """Returns a function that takes and returns the tensors of a signature in the order of their descriptions.

    Otherwise a signature binds its inputs to names in Python in each call, which takes as long as a small model.
    """
    import tensorflow as tf

    @tf.function(
        autograph=False,
        input_signature=[
            tf.TensorSpec([None if size < 0 else size for size in one.shape], one.dtype, one.name)
            for one in inputs
        ],
    )
    def placed(*tensors: Any) -> list[Any]:
        answers = function(**dict(zip([one.name for one in inputs], tensors, strict=True)))
        return [answers[one.name] for one in outputs]

    called: Callable[..., Sequence[Any]] = placed.get_concrete_function()
    return called


def _told(function: Callable[..., Sequence[Any]], tensors: Sequence[Any]) -> Sequence[Any]:
    """Calls a function. Raises RequestError if it refuses its inputs, such as bytes that are not an example."""
    import tensorflow as tf

    try:
        return function(*tensors)
    except tf.errors.InvalidArgumentError as error:
        found = re.search(r"\n([^\n]+)\n\s*\[\[", error.message)
        raise RequestError(f"the model refuses the inputs: {found[1] if found else error.message}") from error


def _info(name: str, spec: Any) -> TensorInfo:
    return TensorInfo(name, spec.dtype.name, tuple(-1 if size is None else int(size) for size in spec.shape))


def _warm_up(name: str, inputs: Sequence[TensorInfo], call: Callable[[Arrays], dict[str, Array]]) -> None:
    arrays = {}
    for one in inputs:
        shape = [1, *(1 if size < 0 else size for size in one.shape[1:])]
        arrays[one.name] = np.full(shape, b"", object) if one.dtype == "string" else np.zeros(shape, one.dtype)
    if name == DEFAULT and any(one.dtype == "string" for one in inputs):
        # An empty text is an example without features. It is refused if a feature has no default.
        return
    call(arrays)


def _compressed(folder: Path) -> dict[str, Signature] | None:
    """Returns the signature raw features -> logits of the compressed file, which takes one example at a time."""
    file = folder / "student.tflite"
    if not file.is_file():
        return None
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    owner = tf.saved_model.load(str(folder / "transform"))
    signature = owner.signatures[BY_FEATURES]
    runner = Interpreter(str(file), num_threads=1).get_signature_runner()
    infos = tuple(_info(one, spec) for one, spec in sorted(signature.structured_input_signature[1].items()))
    transformed = tuple(_info(one, spec) for one, spec in sorted(signature.structured_outputs.items()))
    transform = _by_place(signature, infos, transformed)
    outputs = tuple(
        TensorInfo(name, np.dtype(one["dtype"]).name, (-1, *map(int, one["shape"][1:])))
        for name, one in runner.get_output_details().items()
    )
    # An interpreter keeps its tensors, so it serves one thread at a time.
    alone = threading.Lock()

    def call(arrays: Arrays) -> dict[str, Array]:
        answers = _told(transform, [tf.constant(arrays[one.name], dtype=one.dtype) for one in infos])
        inputs = {one.name: value.numpy() for one, value in zip(transformed, answers, strict=True)}
        with alone:
            _ = owner
            rows = [
                runner(**{name: value[place : place + 1] for name, value in inputs.items()})
                for place in range(len(next(iter(inputs.values()))))
            ]
        return {one.name: np.concatenate([row[one.name] for row in rows]) for one in outputs}

    # A file takes one example at a time, so batches gain nothing.
    return {BY_FEATURES: _served(BY_FEATURES, infos, outputs, call, None)}
