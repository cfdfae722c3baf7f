"""Evaluates and predicts on all replicas of all processes. Each example counts once, and every process gets the result.

The usual ways are approximate. `Model.evaluate` averages the means of batches. If the number of examples is not a
multiple of the number of replicas, examples are added, dropped or counted twice. Here each replica gets its exact part
of each batch, which may be empty. Sums and counts are added up over all replicas, and divided once.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.aliases import (
    Dataset,
    DatasetIterator,
    Features,
    FeatureSpec,
    InputContext,
    KerasModel,
    Strategy,
    Tensor,
)
from limbeck.errors import DataError
from limbeck.objectives.objective import Objective
from limbeck.trainer.data.batches import numbered_batches
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packing import PackedExamples


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How well a model does on the labelled examples of a split.

    Attributes:
      loss: the mean of the objective's hard loss.
      metrics: the same mean, and the mean of the objective's scores, by the objective's names. For classes these are
        `log_loss` (cross-entropy, in nats) and `accuracy`.
      examples: number of examples with a label.
    """

    loss: float
    metrics: dict[str, float]
    examples: int


@dataclasses.dataclass(frozen=True)
class Split:
    """Packed examples, and how to read them.

    Attributes:
      folder: folder that `limbeck.trainer.data.packing.pack` wrote.
      inputs: feature spec of the model's inputs.
      label_key: name of the transformed feature that is the label.
      batch_size: examples in a batch, over all replicas together. Results do not depend on it.
      objective: how the label is encoded, and what is measured.
    """

    folder: str
    inputs: FeatureSpec
    label_key: str
    batch_size: int
    objective: Objective

    @property
    def order(self) -> Order:
        """The order of one pass over all examples: the order of the index."""
        return Order(len(PackedExamples(self.folder)), self.batch_size, epochs=1, seed=None)

    def input_pipeline(self, strategy: Strategy) -> PerReplicaPipeline:
        """Returns the batches of each replica: (inputs by name, labels `[batch, ...]`, int64 rows `[batch]`).

        A row is the place of an example in the global batch.
        """
        import tensorflow as tf

        order = self.order
        spec = self.inputs | {self.label_key: self.objective.label_spec()}

        def prepare(features: Features, _: Tensor, positions: Tensor) -> tuple[Any, ...]:
            given = {name: features[name] for name in self.inputs}
            return given, features[self.label_key], tf.math.floormod(positions, order.batch_size)

        def dataset_of(context: InputContext) -> Dataset:
            replicas = replicas_of(strategy, context)
            read = numbered_batches(self.folder, order, replicas, strategy.num_replicas_in_sync, spec)
            return read.map(prepare).prefetch(8)

        return PerReplicaPipeline(strategy, dataset_of)


def evaluator(strategy: Strategy, model: KerasModel, split: Split) -> Callable[[], Evaluation]:
    """Returns a function that evaluates the model with its present weights.

    Every process must call the function equally often. It raises DataError if no example has a label.

    Args:
      strategy: the strategy under whose scope the model was built.
      model: tf_keras model: inputs by name -> `[batch, outputs]`.
      split: the examples.
    """
    import tensorflow as tf

    pipeline, steps, objective = split.input_pipeline(strategy), split.order.steps, split.objective

    def measure(inputs: Features, labels: Tensor, _: Tensor) -> Tensor:
        outputs = tf.cast(model(inputs, training=False), tf.float32)
        known = objective.labelled(labels)
        figures = (objective.hard_loss(outputs, labels), objective.score(outputs, labels), known)
        sums = tf.stack([tf.reduce_sum(tf.cast(figure, tf.float64)) for figure in figures])
        return tf.distribute.get_replica_context().all_reduce("SUM", sums)

    measure = tf.autograph.experimental.do_not_convert(measure)

    @tf.function
    def total(iterator: DatasetIterator) -> Tensor:
        sums = tf.zeros([3], tf.float64)
        for _ in tf.range(steps):
            sums += strategy.experimental_local_results(strategy.run(measure, args=pipeline.take(iterator)))[0]
        return sums

    def evaluate() -> Evaluation:
        losses, scores, known = total(pipeline.start()).numpy()
        if not known:
            raise DataError(f"there is no labelled example to evaluate with: none in {split.folder} has a label")
        loss, score = float(losses / known), float(scores / known)
        return Evaluation(loss, {objective.loss_key: loss, objective.score_key: score}, int(known))

    return evaluate


def predict(strategy: Strategy, model: KerasModel, split: Split) -> npt.NDArray[np.float32]:
    """Computes the model's outputs for all examples. Every process must call it, and gets all outputs.

    Args are those of `evaluator`.

    Returns:
      float32 `[examples, outputs]`, in the order of the index, which is sorted by example id.
    """
    import tensorflow as tf

    order, pipeline = split.order, split.input_pipeline(strategy)
    iterator = pipeline.start()

    def placed(inputs: Features, _: Tensor, rows: Tensor) -> Tensor:
        outputs = tf.cast(model(inputs, training=False), tf.float32)
        shape = tf.stack([tf.constant(order.batch_size, tf.int64), tf.shape(outputs, tf.int64)[1]])
        # A sum of one value and zeros is that value. A gather operation refuses an empty part under some strategies.
        whole = tf.scatter_nd(rows[:, tf.newaxis], outputs, shape)
        return tf.distribute.get_replica_context().all_reduce("SUM", whole)

    @tf.function(autograph=False)
    def batch() -> Tensor:
        return strategy.experimental_local_results(strategy.run(placed, args=pipeline.take(iterator)))[0]

    parts = [batch().numpy()[: len(order.global_batch(step))] for step in range(order.steps)]
    return np.concatenate(parts)
