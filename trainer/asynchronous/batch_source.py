"""Sends batches to workers. They are the same batches, with the same numbers, as under every other strategy.

A worker cannot run Python, so it cannot look up rows. The chief looks them up, checks them, and sends them with the
step. The examples of each batch are exact; the order in which batches are applied is not.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from limbeck.aliases import Features, FeatureSpec, Tensor
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import PackedExamples
from limbeck.trainer.data.tensors import arrays_of, features_of, types_of


@dataclasses.dataclass(frozen=True)
class BatchSource:
    """The batches of a training.

    Attributes:
      packed: the examples.
      order: which examples are used at which step.
      spec: the requested features.
    """

    packed: PackedExamples
    order: Order
    spec: FeatureSpec

    def batch(self, step: int) -> list[Tensor]:
        """Returns the tensors that a worker gets for a step: counts, positions and the arrays of the examples."""
        import tensorflow as tf

        positions = self.order.global_batch(step)
        rows = self.order.rows(positions)
        counts = np.array([len(rows), self.packed.labelled(rows).sum(), self.order.progress(step)], np.float32)
        arrays = arrays_of(self.packed.layout, self.packed.read(rows))
        return [tf.constant(counts), tf.constant(positions), *(tf.constant(one) for one in arrays)]

    def signature(self) -> list[Any]:
        """Returns the tf.TensorSpec of each tensor of a batch."""
        import tensorflow as tf

        types = types_of(self.packed.layout, streams=True)
        ranks = [2, 2, *[1] * (len(types) - 2)]
        arrays = [tf.TensorSpec([None] * rank, kind) for rank, kind in zip(ranks, types, strict=True)]
        return [tf.TensorSpec([3], tf.float32), tf.TensorSpec([None], tf.int64), *arrays]

    def parsed(self, batch: tuple[Tensor, ...]) -> tuple[Features, Denominators, Tensor]:
        """Converts the tensors of `batch`, in a graph, into features by name, denominators and positions."""
        import tensorflow as tf

        counts, positions, *arrays = batch
        features = features_of(self.packed.layout, self.spec, arrays, tf.shape(positions)[:1])
        return features, Denominators(counts[0], counts[1], counts[2]), positions
