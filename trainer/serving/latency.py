"""Measures the latency of the serving signature: `python -m limbeck.trainer.serving.latency REQUEST RESULT`.

In the pipeline's process, TensorFlow's thread pools have already started, and other code uses them, too. So a figure
from there depends on what else runs. A new process with one thread gives figures that can be compared between models.
Calls to the models alternate, so a machine that slows down affects all of them.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydantic.dataclasses import dataclass

from limbeck.aliases import Tensor
from limbeck.errors import DataError
from limbeck.records import STRICT, from_json, to_json
from limbeck.trainer.process import lifeline
from limbeck.trainer.serving.compressed import CompressedModel

WARM_UP_CALLS = 30


@dataclass(frozen=True, config=STRICT)
class LatencyRequest:
    """What to measure.

    Attributes:
      models: folder of the SavedModel of each model, by name.
      compressed: folder of each compressed model (`limbeck.trainer.serving.compressed`), by name.
      examples: path of a TFRecord file (gzip) of serialized raw tf.Examples.
      calls: number of timed calls of each model. Each call has one example.
    """

    models: dict[str, str]
    examples: str
    calls: int = 400
    compressed: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Latency:
    """The milliseconds of a call with one example.

    Attributes:
      p50: the median.
      p99: the 99th percentile.
    """

    p50: float
    p99: float


@dataclass(frozen=True, config=STRICT)
class LatencyResult:
    """The latency of each model, by name."""

    latencies: dict[str, Latency] = dataclasses.field(default_factory=dict)


def measure(request: LatencyRequest) -> LatencyResult:
    """Times a call of each model with a serialized raw example. Call it before TensorFlow has started its threads.

    For a compressed model, the call is the transformation, and then the file.

    Raises:
      DataError: if the file has no example.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    records = tf.data.TFRecordDataset(request.examples, compression_type="GZIP").take(256)
    examples = [tf.reshape(record, [1]) for record in records]
    if not examples:
        raise DataError(f"there is no example to measure latency with in {request.examples}")
    loaded = {name: tf.saved_model.load(path) for name, path in request.models.items()}
    serve: dict[str, Callable[[Tensor], object]] = {
        name: functools.partial(_answer, model.signatures["serving_default"]) for name, model in loaded.items()
    }
    serve |= {name: CompressedModel(folder).answer_example for name, folder in request.compressed.items()}
    seconds: dict[str, list[float]] = {name: [] for name in serve}
    for call in range(WARM_UP_CALLS + request.calls):
        for name, function in serve.items():
            begin = time.perf_counter()
            function(examples[call % len(examples)])
            seconds[name].append(time.perf_counter() - begin)
    return LatencyResult({name: _summary(times[WARM_UP_CALLS:]) for name, times in seconds.items()})


def _answer(signature: Callable[[Tensor], dict[str, Tensor]], example: Tensor) -> object:
    return signature(example)["logits"].numpy()


def _summary(seconds: list[float]) -> Latency:
    p50, p99 = np.percentile(seconds, [50, 99]) * 1000
    return Latency(round(float(p50), 4), round(float(p99), 4))


def main(arguments: list[str]) -> int:
    """Reads the request from the first file, and writes the result to the second. Returns the exit code, 0."""
    lifeline.die_with_parent()
    request = from_json(LatencyRequest, Path(arguments[0]).read_text(encoding="utf-8"))
    Path(arguments[1]).write_text(to_json(measure(request)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
