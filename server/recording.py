"""Keeps a sample of the rows that clients send, so that `drift` can compare them with the training data.

A compressed file that is still being written cannot be read to its end, and a truncated file looks like a short one. So
rows wait in memory until a part is full or old, and a part appears under its name when it is complete. Rows are drawn
one by one. If whole requests were drawn, a client that sends a thousand rows in one request would dominate the sample.
"""

from __future__ import annotations

import dataclasses
import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from limbeck.server.signature import BY_FEATURES, DEFAULT, Arrays, Signature
from limbeck.server.tensors import Array

_log = logging.getLogger(__name__)
_NAME = "served-{}-{}.tfrecord.gz"
PARTS = "served-*.tfrecord.gz"


@dataclasses.dataclass(frozen=True)
class Recording:
    """The settings of a record.

    Attributes:
      folder: where parts appear. It is made if it is missing.
      share: the probability of a row to be kept, above 0 and at most 1.
      rows: rows of a full part.
      seconds: if a part is older, the next row writes it although it is not full.
      parts: number of parts that are kept. Older ones are removed, so the folder does not grow for ever.
    """

    folder: Path
    share: float
    rows: int = 1000
    seconds: float = 60.0
    parts: int = 1000

    def __post_init__(self) -> None:
        """Raises ValueError if the share is not above 0 and at most 1, or if a number is below 1."""
        if not 0 < self.share <= 1 or self.rows < 1 or self.parts < 1:
            raise ValueError(f"a share must be above 0 and at most 1, rows and parts at least 1; received {self}")


class Recorder:
    """Records the inputs of answered requests. Several threads may call it at once."""

    def __init__(self, settings: Recording, clock: Callable[[], float] = time.monotonic, seed: int | None = None):
        """Takes the settings, a monotonic clock, and a seed for the draws (None: another one each time)."""
        self._settings, self._clock = settings, clock
        self._random, self._lock = random.Random(seed), threading.Lock()  # noqa: S311
        self._rows: list[bytes] = []
        self._since = 0.0

    def record(self, signature: Signature, arrays: Arrays) -> None:
        """Keeps some rows of a request that was answered. It raises nothing: a request must not fail for its record.

        Args:
          signature: the signature that answered. Only rows of raw features or serialized examples are kept.
          arrays: its inputs by name, `[batch, ...]`.
        """
        with self._lock:
            try:
                self._keep(signature, arrays)
                if self._rows and self._is_due():
                    self._write()
            except Exception:
                # Holds the lock, because another thread may be adding rows.
                self._rows = []
                _log.exception("a request could not be recorded, and rows of earlier ones are lost")

    def close(self) -> None:
        """Writes what is left. It raises nothing: a server that was asked to end has not failed for its record."""
        with self._lock:
            try:
                if self._rows:
                    self._write()
            except Exception:
                _log.exception("the last rows could not be recorded, and are lost")

    def _keep(self, signature: Signature, arrays: Arrays) -> None:
        batch = len(next(iter(arrays.values())))
        drawn = [row for row in range(batch) if self._random.random() < self._settings.share]
        if not self._rows:
            self._since = self._clock()
        self._rows += serialized(signature.name, arrays, drawn)

    def _is_due(self) -> bool:
        return len(self._rows) >= self._settings.rows or self._clock() - self._since >= self._settings.seconds

    def _write(self) -> None:
        import tensorflow as tf

        folder = self._settings.folder
        folder.mkdir(parents=True, exist_ok=True)
        # Sorted by name, so the oldest comes first, even if there are several servers.
        name = _NAME.format(time.strftime("%Y%m%dT%H%M%S", time.gmtime()), uuid.uuid4().hex[:8])
        unfinished = folder / f".{name}"
        try:
            with tf.io.TFRecordWriter(str(unfinished), "GZIP") as writer:
                for row in self._rows:
                    writer.write(row)
            unfinished.replace(folder / name)
        finally:
            # On a full disk, each part would leave another unfinished file.
            unfinished.unlink(missing_ok=True)
        self._rows = []
        for old in sorted(folder.glob(PARTS))[: -self._settings.parts]:
            old.unlink(missing_ok=True)


def serialized(name: str, arrays: Arrays, rows: list[int]) -> Iterator[bytes]:
    """Yields serialized tf.Examples of some rows; none for a signature that takes anything else.

    A value of NaN means a missing value, so it is left out.

    Args:
      name: name of the signature.
      arrays: its inputs by name, `[batch, ...]`.
      rows: numbers of the rows.
    """
    if name == DEFAULT and len(arrays) == 1:
        [examples] = arrays.values()
        if examples.dtype == object:
            yield from (bytes(examples[row]) for row in rows)
    elif name == BY_FEATURES:
        for row in rows:
            yield _example({feature: array[row : row + 1].ravel() for feature, array in arrays.items()})


def _example(values: dict[str, Array]) -> bytes:
    from tensorflow.core.example import example_pb2

    example = example_pb2.Example()
    for name, array in values.items():
        if array.dtype == object:
            example.features.feature[name].bytes_list.value.extend(array.tolist())
        elif array.dtype.kind == "f":
            if not np.isnan(array).all():
                example.features.feature[name].float_list.value.extend(array.tolist())
        else:
            example.features.feature[name].int64_list.value.extend(array.astype(np.int64).tolist())
    return bytes(example.SerializeToString(deterministic=True))
