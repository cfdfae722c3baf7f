"""Times networks alone, from transformed examples: `python -m benchmarks.languages.network EXAMPLES MODEL...`.

An answer of a served model begins with a serialized raw example. So it holds what no student makes faster: the sentence
is cut into characters, and these are looked up. Here an example is parsed, and all else is the network. Calls to the
models alternate, on one thread.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

SIZES = (1, 8, 64)
_CALLS = {1: 400, 8: 200, 64: 60}
_WARM_UP = 20


def main(arguments: Sequence[str]) -> int:
    """Prints the median milliseconds of a call of each model with each number of examples, as JSON. Returns 0."""
    import tensorflow as tf

    examples, *models = arguments
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    records = [one.numpy() for one in tf.data.TFRecordDataset(examples, "GZIP").take(1024)]
    loaded = [tf.saved_model.load(model) for model in models]
    calls = [model.signatures["transformed"] for model in loaded]
    found = {size: _medians(calls, records, size) for size in SIZES}
    sys.stdout.write(json.dumps(found) + "\n")
    return 0


def _medians(
    calls: Sequence[Callable[[Any], Mapping[str, Any]]], records: Sequence[bytes], size: int
) -> list[float]:
    import tensorflow as tf

    batches = [tf.constant(records[first : first + size]) for first in range(0, len(records) - size + 1, size)]
    taken: list[list[float]] = [[] for _ in calls]
    for number in range(_WARM_UP + _CALLS[size]):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call(batches[number % len(batches)])["logits"].numpy()
            times.append(1000 * (time.perf_counter() - began))
    return [float(np.median(times[_WARM_UP:])) for times in taken]


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
