"""Evaluates and predicts on all replicas of all processes. Each example counts once, and every process gets the result.

The usual ways are approximate. `Model.evaluate` averages the means of batches. If the number of examples is not a
multiple of the number of replicas, examples are added, dropped or counted twice. Here each replica gets its exact part
of each batch, which may be empty. Sums and counts are added up over all replicas, and divided once.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from limbeck.aliases import (
    Dataset,
    DatasetIterator,
    Features,
    FeatureSpec,
    InputContext,
    KerasMetric,
    KerasModel,
    Strategy,
    Tensor,
)
from limbeck.errors import DataError
from limbeck.objectives.objective import Objective
from limbeck.trainer.data.batches import numbered_batches
from limbeck.trainer.data.input_pipeline import PerReplicaPipeline, replicas_of
from limbeck.trainer.data.order import Order
from limbeck.trainer.data.packed import shared
from limbeck.trainer.fitting.repetition import repeated

_READ_BATCH = 1024


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """How well a model does on the labelled examples of a split.

    Attributes:
      loss: the mean of the objective's hard loss.
      metrics: the same mean, and the mean of the objective's scores, by the objective's names. For classes these are
        `log_loss` (cross-entropy, in nats) and `accuracy`. Then the task's own metrics, None if one is not finite.
      examples: number of examples with a label.
    """

    loss: float
    metrics: dict[str, float | None]
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
        return Order(len(shared(self.folder)), self.batch_size, epochs=1, seed=None)

    def input_pipeline(self, strategy: Strategy) -> PerReplicaPipeline:
        """Returns the batches of each replica: (inputs by name, labels `[batch, ...]`, int64 rows `[batch]`).

        A row is the position of an example in the global batch.
        """
        import tensorflow as tf

        order = self.order
        spec = self.inputs | {self.label_key: self.objective.label_spec()}

        def arrange(features: Features, _: Tensor, positions: Tensor) -> tuple[Any, ...]:
            given = {name: features[name] for name in self.inputs}
            return given, features[self.label_key], tf.math.floormod(positions, order.batch_size)

        def dataset_of(context: InputContext) -> Dataset:
            replicas = replicas_of(strategy, context)
            count = strategy.num_replicas_in_sync
            return numbered_batches(self.folder, order, replicas, count, spec, arrange=arrange)

        return PerReplicaPipeline(strategy, dataset_of)


def evaluator(
    strategy: Strategy, model: Callable[..., Tensor], split: Split, metrics: Sequence[KerasMetric] = ()
) -> Callable[[], Evaluation]:
    """Returns a function that evaluates the model with its present weights.

    Every process must call the function equally often.

    Keras keeps the state of a metric on each replica, and adds up the states. Not every state can be added up. Here
    each process gives whole batches to a metric, so it does not matter how a batch was divided.

    Args:
      strategy: the strategy under whose scope the model was built.
      model: tf_keras model, or a function that computes its outputs: inputs by name -> `[batch, outputs]`.
      split: the examples.
      metrics: the task's own metrics, built outside of the strategy.

    Raises:
      DataError: if no example has a label.
    """
    import tensorflow as tf

    packed = shared(split.folder)
    if not packed.labelled(np.arange(len(packed))).any():
        raise DataError(
            f"there is no labelled example to evaluate with: none in {split.folder} has a label that the model may see"
        )

    pipeline, steps, objective = split.input_pipeline(strategy), split.order.steps, split.objective

    def measure(inputs: Features, labels: Tensor, rows: Tensor) -> tuple[Tensor, ...]:
        outputs = tf.cast(model(inputs, training=False), tf.float32)
        known, complete = objective.labelled(labels), objective.complete(labels)
        figures = (objective.hard_loss(outputs, labels), objective.score(outputs, labels), known, complete)
        sums = tf.stack([tf.reduce_sum(tf.cast(figure, tf.float64)) for figure in figures])
        wanted = [
            sums,
            *(_placed(values, rows, split.batch_size) for values in (outputs, labels, complete) if metrics),
        ]
        return tuple(tf.distribute.get_replica_context().all_reduce("SUM", one) for one in wanted)

    def update(outputs: Tensor, labels: Tensor, complete: Tensor) -> None:
        chosen = complete > 0
        label_dtype = tf.as_dtype(objective.label_dtype)
        given = (
            tf.cast(tf.boolean_mask(labels, chosen), label_dtype),
            tf.cast(tf.boolean_mask(outputs, chosen), tf.float32),
        )
        tf.cond(tf.reduce_any(chosen), lambda: updated(metrics, *given), lambda: 0)

    @tf.function(autograph=False)
    def total(iterator: DatasetIterator) -> Tensor:
        def batch(sums: Tensor) -> tuple[Tensor]:
            found = strategy.run(measure, args=pipeline.take(iterator))
            parts = [strategy.experimental_local_results(one)[0] for one in found]
            if metrics:
                update(*parts[1:])
            return (sums + parts[0],)

        return repeated(steps, batch, (tf.zeros([4], tf.float64),))[0]

    def evaluate() -> Evaluation:
        for metric in metrics:
            metric.reset_state()
        losses, scores, known, complete = total(pipeline.start()).numpy()
        loss, score = float(losses / known), float(scores / known)
        # Many Keras metrics return 0 if they got no example.
        own = {metric.name: float(metric.result()) if complete else math.nan for metric in metrics}
        told: dict[str, float | None] = {objective.loss_key: loss, objective.score_key: score}
        told |= {name: value if math.isfinite(value) else None for name, value in own.items()}
        return Evaluation(loss, told, int(known))

    return evaluate


def updated(metrics: Sequence[KerasMetric], labels: Tensor, outputs: Tensor) -> int:
    """Updates metrics with labelled examples, in a graph or not, and returns 0.

    Args:
      metrics: tf_keras metrics.
      labels: `[examples, *label_shape]`, in the dtype of the objective.
      outputs: float32 `[examples, outputs]`.
    """
    for metric in metrics:
        metric.update_state(labels, outputs)
    return 0


def labels_of(split: Split) -> npt.NDArray[Any]:
    """Reads the labels of all examples, `[examples, *label_shape]`, in the order of `predict`."""
    packed = shared(split.folder)
    rows = np.arange(len(packed), dtype=np.int64)
    parts = [packed.column(split.label_key, some) for some in np.array_split(rows, -(-len(rows) // _READ_BATCH))]
    return np.concatenate(parts).reshape([len(rows), *split.objective.label_shape])


def _placed(values: Tensor, rows: Tensor, batch_size: int) -> Tensor:
    """Returns this replica's values in their rows of the global batch, else zeros: float64 `[batch_size, ...]`.

    Their sum over all replicas is the whole batch, because a sum of one value and zeros is that value.
    """
    import tensorflow as tf

    return tf.scatter_nd(rows[:, tf.newaxis], tf.cast(values, tf.float64), [batch_size, *values.shape[1:]])


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
