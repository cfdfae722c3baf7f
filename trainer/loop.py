"""The training loop: optimizer steps under any strategy, several to a call.

`Model.fit` returns to Python after every step, which for a small model costs more than the step; it also takes
the mean over a replica, which is not the mean over the global batch. Here `steps_per_call` steps run inside one
graph, and the loss says itself what it divides by.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable
from typing import Any

from trainer.errors import TrainingFailedError

Loss = Callable[[Any, dict[str, Any], Any], Any]


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a training stands: optimizer steps done of all, and the mean loss since the last report, in nats."""

    step: int
    steps: int
    loss: float


@dataclasses.dataclass(frozen=True)
class Fitted:
    """What this process did: steps, examples that it computed gradients of, seconds, and the loss curve."""

    steps: int
    examples: int
    seconds: float
    curve: tuple[Progress, ...]


def fit(
    strategy: Any,
    model: Any,
    optimizer: Any,
    loss: Loss,
    dataset_of: Callable[[Any], Any],
    *,
    steps: int,
    report: Callable[[Progress], None],
    steps_per_call: int = 20,
) -> Fitted:
    """Trains `model` in place.

    Args:
      strategy: under whose scope model and optimizer were built.
      model: tf_keras model, called with the inputs of a batch.
      optimizer: tf_keras optimizer; it sums the gradients of all replicas.
      loss: (logits `[batch, classes]`, targets by name, `Denominators`) -> this replica's part of the loss, a
        float32 scalar.
      dataset_of: tf.distribute.InputContext -> dataset of (inputs by name, targets by name, denominators).
      steps: optimizer steps.
      report: called after every call of `steps_per_call` steps.

    Raises:
      TrainingFailedError: where the loss is no longer finite.
    """
    import tensorflow as tf

    with strategy.scope():
        loss_sum = _per_replica_sum(tf.float32)
    batches = iter(strategy.distribute_datasets_from_function(dataset_of))

    # Keras applies autograph to a user's layers itself; here it would rewrite Keras' own code, for seconds.
    @tf.autograph.experimental.do_not_convert
    def step(inputs: Any, targets: Any, denominators: Any) -> Any:
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            value = loss(logits, targets, denominators)
        gradients = tape.gradient(value, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        loss_sum.assign_add(value)
        return tf.shape(logits, tf.int64)[0]

    @tf.function(reduce_retracing=True)
    def run(count: Any) -> Any:
        examples = tf.constant(0, tf.int64)
        for _ in tf.range(count):
            sizes = strategy.run(step, args=next(batches))
            examples += tf.add_n(strategy.experimental_local_results(sizes))
        return examples

    started, done, examples, curve = time.monotonic(), 0, 0, []
    while done < steps:
        count = min(steps_per_call, steps - done)
        examples += int(run(tf.constant(count)))
        done += count
        progress = Progress(done, steps, float(loss_sum.read_value()) / count)
        _assert_finite(progress)
        loss_sum.assign(0.0)
        curve.append(progress)
        report(progress)
    return Fitted(done, examples, time.monotonic() - started, tuple(curve))


def _per_replica_sum(dtype: Any) -> Any:
    import tensorflow as tf

    return tf.Variable(
        0,
        dtype=dtype,
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )


def _assert_finite(progress: Progress) -> None:
    if not math.isfinite(progress.loss):
        raise TrainingFailedError(
            f"the loss is {progress.loss} within the steps up to {progress.step} of {progress.steps}: "
            "lower training.learning_rate, or look for extreme values in the model's inputs"
        )
