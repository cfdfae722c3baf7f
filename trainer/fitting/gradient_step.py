"""The plain optimizer step: it computes one gradient over all replicas of all processes, and applies it.

A mean over the examples of one replica is not a part of the mean over the global batch, if replicas have different
numbers of examples. So each replica sums over its examples, and divides by the count of the *global* batch. The sum
over all replicas is then the loss, or the gradient, of the global batch, however the batch was divided.

The model itself may add terms to its loss (`model.losses`: penalties on weights and on activities, `add_loss`). Such a
term is a mean over the examples of a replica, or the same on each replica. So each replica weights it by its share of
the global batch, and the sum equals the value on one device. Keras divides by the number of replicas instead. This is
the same for weights, but not for activities if replicas have different numbers of examples.

A replica may compute its gradient in micro-batches (`limbeck.trainer.fitting.micro_batches`). Everything here is a sum
over examples, so the sum over micro-batches is the same, and it is summed over replicas once.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.aliases import Batch, Features, Gradient, KerasModel, Optimizer, Strategy, Tensor
from limbeck.errors import TaskError
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation.targets import Loss
from limbeck.trainer.fitting import micro_batches, optimization
from limbeck.trainer.fitting.precision import LossScale
from limbeck.trainer.fitting.step import StepResult


@dataclasses.dataclass(frozen=True, eq=False)
class GradientStep:
    """A `Step` on the batches of a `PerReplicaPipeline`: (inputs by name, targets by name, denominators).

    Attributes:
      strategy: the strategy under whose scope model and optimizer were built.
      model: tf_keras model: inputs by name -> `[batch, outputs]`; or a `limbeck.trainer.distillation.student.Student`,
        whose outputs are the logits and what else the loss takes.
      optimizer: tf_keras optimizer.
      loss: computes a replica's part of the loss.
      clip_norm: largest norm of the gradient of the global batch. None: gradients are not clipped.
      loss_scale: the loss scale of a model that computes in float16; otherwise None.
      accumulate: number of micro-batches that a replica cuts its batch into.
    """

    strategy: Strategy
    model: KerasModel
    optimizer: Optimizer
    loss: Loss
    clip_norm: float | None = None
    loss_scale: LossScale | None = None
    accumulate: int = 1

    def run(self, batch: Batch) -> StepResult:
        """Updates the variables by one global batch.

        Args:
          batch: the batch of each replica of this process, as `PerReplicaPipeline.take` returns it.

        Raises:
          TaskError: if no trainable variable has a part in the model's logits.
        """
        import tensorflow as tf

        strategy, loss_scale = self.strategy, self.loss_scale
        sizes, value, norm, gradients = strategy.run(self._differentiate, args=batch)
        examples = tf.add_n(strategy.experimental_local_results(sizes))
        value, norm = (strategy.experimental_local_results(one)[0] for one in (value, norm))
        finite = tf.math.is_finite(norm)
        if loss_scale is None:
            strategy.run(self._update, args=(gradients,))
        else:
            # Outside of the replica context, in which some strategies cannot update variables in a branch.
            tf.cond(finite, lambda: strategy.run(self._update, args=(gradients,)), self._skip)
            # At the smallest scale, 1, the loss scale cannot be the cause of an overflow.
            finite = tf.logical_or(finite, loss_scale.value > 1)
            loss_scale.update(tf.math.is_finite(norm))
        sound = tf.logical_and(tf.math.is_finite(value), finite)
        return StepResult(value, optimization.learning_rate(self.optimizer), norm, sound, examples)

    def _differentiate(self, inputs: Features, targets: Features, denominators: Denominators) -> tuple[Any, ...]:
        """Computes, on a replica, the gradients of the global batch.

        Returns:
          The replica's number of examples; the loss, the gradient norm and the clipped gradients of the global batch.
          The gradients are by the number of their variable.
        """
        numbers: list[int] = []

        def computed(part: int) -> list[Gradient]:
            given = (inputs, targets)
            one = given if self.accumulate == 1 else micro_batches.cut(given, self.accumulate, part)
            size, value, gradients = self._of_micro_batch(*one, denominators)
            numbers[:] = gradients
            return [*gradients.values(), value, size]

        *mine, size = micro_batches.added(self.accumulate, computed)
        *gradients, value = optimization.sums(mine)
        if self.loss_scale is not None:
            gradients = self.loss_scale.unscaled(gradients)
        norm = optimization.global_norm(gradients)
        gradients = optimization.clipped(gradients, norm, self.clip_norm)
        return size, value, norm, dict(zip(numbers, gradients, strict=True))

    def _of_micro_batch(
        self, inputs: Features, targets: Features, denominators: Denominators
    ) -> tuple[Tensor, Tensor, dict[int, Gradient]]:
        """Returns number of examples, part of the loss, and gradients by the number of their variable."""
        import tensorflow as tf

        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            logits = tf.nest.flatten(outputs)[0]
            value = self.loss(outputs, targets, denominators)
            # Read once and within the tape, because each access computes the penalties on weights again.
            added = self.model.losses
            if added:
                value += _share_of(added, logits, denominators)
            differentiated = value if self.loss_scale is None else value * self.loss_scale.value
        found = tape.gradient(differentiated, variables)
        gradients = {number: gradient for number, gradient in enumerate(found) if gradient is not None}
        if not gradients:
            raise TaskError(
                "no trainable variable of the model has a part in its logits: there is nothing to train"
            )
        if added:
            # The mean over no example is NaN, and so is 0 times this mean.
            some = tf.shape(logits)[0] > 0
            gradients = {number: optimization.kept(one, some) for number, one in gradients.items()}
        return tf.shape(logits, tf.int64)[0], value, gradients

    def _update(self, gradients: dict[int, Gradient]) -> None:
        """Applies gradients on a replica. They are by the number of their variable."""
        variables = self.model.trainable_variables
        pairs = [(gradient, variables[number]) for number, gradient in gradients.items()]
        self.optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)

    def _skip(self) -> None:
        self.optimizer.iterations.assign_add(1)


def _share_of(added: list[Tensor], logits: Tensor, denominators: Denominators) -> Tensor:
    """Returns this replica's part of the terms that the model adds to its loss: a float32 scalar."""
    import tensorflow as tf

    total = tf.add_n([tf.reduce_sum(tf.cast(one, tf.float32)) for one in added])
    examples = tf.cast(tf.shape(logits)[0], tf.float32)
    return tf.where(examples > 0, total * (examples / denominators.examples), 0.0)
