"""Writes the figures of a training for TensorBoard: loss, learning rate, gradient norm, and those of the validation.

Keras' TensorBoard callback needs `fit`, and writes each figure with a separate operation. That takes as long as a few
steps of a small model. Here one operation writes all figures of a report.
"""

from __future__ import annotations

import contextlib
from typing import Any

from limbeck import files
from limbeck.trainer.fitting.progress import TrainingProgress

FOLDER = "tensorboard"


class Summaries:
    """Writes the figures of one member to `<record_uri>/tensorboard/<member>`.

    If TensorFlow cannot write there, the files are copied there at the end of the training.
    """

    def __init__(self, record_uri: str, member: int) -> None:
        """Opens the folder."""
        import tensorflow as tf

        self._stack = contextlib.ExitStack()
        folder = files.join(record_uri, FOLDER, str(member))
        if not files.opened_by_tensorflow(folder):
            folder = self._stack.enter_context(files.written_locally(folder))
        self._writer: Any = tf.summary.create_file_writer(folder)

    def add(self, progress: TrainingProgress) -> None:
        """Adds the figures of one report."""
        figures = {
            "training/loss": progress.loss,
            "training/learning_rate": progress.learning_rate,
            "training/gradient_norm": progress.gradient_norm,
        }
        if progress.validation:
            figures |= {f"validation/{name}": value for name, value in progress.validation.metrics.items()}
        self._write(progress.step, figures)

    def close(self) -> None:
        """Writes what is still in memory."""
        self._writer.close()
        self._stack.close()

    def _write(self, step: int, figures: dict[str, float | None]) -> None:
        import tensorflow as tf

        kind = tf.compat.v1.Summary
        known = {name: value for name, value in figures.items() if value is not None}
        summary = kind(value=[kind.Value(tag=name, simple_value=value) for name, value in known.items()])
        with self._writer.as_default():
            tf.summary.experimental.write_raw_pb(summary.SerializeToString(), step)
