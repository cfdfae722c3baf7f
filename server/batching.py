"""Puts requests that arrive together into one call of the model.

One call for 32 examples costs little more than one for a single example. TensorFlow's own batch scheduler, which
TensorFlow Serving uses too, waits a moment for more requests, joins their examples along the first axis, calls the
function once, and splits the answers.
"""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable
from typing import Any

from limbeck.server.tensors import TensorInfo

_THREADS, _QUEUED = 4, 1000


@dataclasses.dataclass(frozen=True)
class Batches:
    """How requests are put together.

    Attributes:
      size: the most examples in a call.
      milliseconds: how long a request waits for others.
    """

    size: int
    milliseconds: float

    def __post_init__(self) -> None:
        """Raises ValueError for sizes below 1 and times below 0."""
        if self.size < 1 or self.milliseconds < 0:
            raise ValueError(f"a batch must have at least 1 example and wait at least 0 ms; received {self}")


def batched(
    function: Any, inputs: tuple[TensorInfo, ...], outputs: tuple[TensorInfo, ...], batches: Batches
) -> Callable[..., dict[str, Any]]:
    """Returns a function that answers as the given one does, in batches. Requests that are larger are not split.

    Args:
      function: a signature of a SavedModel: tensors by name -> tensors by name.
      inputs: what it takes.
      outputs: what it returns.
      batches: how requests are put together.
    """
    import tensorflow as tf

    scheduled = tf.nondifferentiable_batch_function(
        num_batch_threads=_THREADS,
        max_batch_size=batches.size,
        batch_timeout_micros=int(1000 * batches.milliseconds),
        max_enqueued_batches=_QUEUED,
        enable_large_batch_splitting=False,
    )

    @scheduled
    def together(*tensors: Any) -> list[Any]:
        answers = function(**dict(zip([one.name for one in inputs], tensors, strict=True)))
        return [answers[one.name] for one in outputs]

    @tf.function(
        autograph=False,
        input_signature=[tf.TensorSpec([None, *_sizes(one)], one.dtype, one.name) for one in inputs],
    )
    def scheduler(*tensors: Any) -> list[Any]:
        # Schedulers whose operations have the same name are one, and would mix the requests of several functions.
        with tf.name_scope(f"batches_{uuid.uuid4().hex}"):
            return list(together(*tensors))

    def call(**tensors: Any) -> dict[str, Any]:
        values = [tensors[one.name] for one in inputs]
        if int(values[0].shape[0]) > batches.size:
            return dict(function(**tensors))
        return dict(zip([one.name for one in outputs], scheduler(*values), strict=True))

    return call


def _sizes(info: TensorInfo) -> list[int | None]:
    return [None if size < 0 else size for size in info.shape[1:]]
