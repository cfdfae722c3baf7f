"""Evaluation and prediction over all replicas of all processes: each example once, and every process has the result.

The usual ways are approximate: `Model.evaluate` takes means of means, and a split that does not divide by the number
of replicas is padded, cut or counted twice. Here each replica is given its exact part of each batch, which may be
empty; sums and counts are added up over replicas, and divided once.
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
from trainer.data.batches import numbered_batches
from trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
from trainer.data.order import Order
from trainer.data.packing import PackedExamples


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How well a model does on the labelled examples of a split.

    Attributes:
      loss: the mean of the objective's hard loss.
      metrics: that mean and the objective's measure, by the names that the objective gives them; for classes
        `log_loss` (cross-entropy, in nats) and `accuracy`.
      examples: how many have a label.
    """

    loss: float
    metrics: dict[str, float]
    examples: int


@dataclasses.dataclass(frozen=True)
class Split:
    """Packed examples, and how they are read.

    Attributes:
      folder: written by `trainer.data.packing.pack`.
      inputs: feature spec of the model's inputs.
      label_key: the transformed feature that is the label.
      batch_size: over all replicas together; results do not depend on it.
      objective: how the label is encoded, and what is measured.
    """

    folder: str
    inputs: FeatureSpec
    label_key: str
    batch_size: int
    objective: Objective

    @property
    def order(self) -> Order:
        """One pass, in the order of the index."""
        return Order(len(PackedExamples(self.folder)), self.batch_size, epochs=1, seed=None)

    def input_pipeline(self, strategy: Strategy) -> PerReplicaPipeline:
        """Each replica's batches: (inputs by name, labels `[batch, ...]`, rows `[batch]` within the global batch)."""
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
    """Makes the function that evaluates a model as it then is; every process must call it equally often.

    Args:
      strategy: under whose scope the model was built.
      model: tf_keras model: inputs by name -> `[batch, outputs]`.
      split: the examples.

    Raises:
      DataError: (the function) where no example has a label.
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
        return Evaluation(loss, {objective.loss_key: loss, objective.measure.key: score}, int(known))

    return evaluate


def predict(strategy: Strategy, model: KerasModel, split: Split) -> npt.NDArray[np.float32]:
    """The model's output for every example, in the order of the index (that of the example ids), in every process.

    Args and strategy are those of `evaluator`; every process must call it.

    Returns:
      float32 `[examples, outputs]`.
    """
    import tensorflow as tf

    order, pipeline = split.order, split.input_pipeline(strategy)
    iterator = pipeline.start()

    def placed(inputs: Features, _: Tensor, rows: Tensor) -> Tensor:
        outputs = tf.cast(model(inputs, training=False), tf.float32)
        shape = tf.stack([tf.constant(order.batch_size, tf.int64), tf.shape(outputs, tf.int64)[1]])
        # A sum of one value and zeros is that value. Gathering, in turn, takes no empty part under some strategies.
        whole = tf.scatter_nd(rows[:, tf.newaxis], outputs, shape)
        return tf.distribute.get_replica_context().all_reduce("SUM", whole)

    @tf.function(autograph=False)
    def batch() -> Tensor:
        return strategy.experimental_local_results(strategy.run(placed, args=pipeline.take(iterator)))[0]

    parts = [batch().numpy()[: len(order.global_batch(step))] for step in range(order.steps)]
    return np.concatenate(parts)
