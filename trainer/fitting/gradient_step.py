"""The plain optimizer step: it computes one gradient over all replicas of all processes, and applies it.

A mean over the examples of one replica is not a part of the mean over the global batch, if replicas have different
numbers of examples. So each replica sums over its examples, and divides by the count of the *global* batch. The sum
over all replicas is then the loss, or the gradient, of the global batch, however the batch was divided.

The gradients themselves come from a `limbeck.trainer.fitting.differentiation.Differentiation`: of the whole batch, or
of micro-batches, on one device or on several.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.aliases import Batch, Features, Gradient, KerasModel, Optimizer, Strategy
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.fitting import optimization
from limbeck.trainer.fitting.differentiation import Differentiation
from limbeck.trainer.fitting.precision import LossScale
from limbeck.trainer.fitting.step import StepResult


@dataclasses.dataclass(frozen=True, eq=False)
class GradientStep:
    """A `Step` on the batches of a `PerReplicaPipeline`: (inputs by name, targets by name, denominators).

    Attributes:
      strategy: the strategy under whose scope model and optimizer were built.
      model: the owner of the variables: a tf_keras model, or a `limbeck.trainer.distillation.student.Student`.
      optimizer: tf_keras optimizer.
      differentiate: computes the gradients of a replica's part of the loss.
      clip_norm: largest norm of the gradient of the global batch. None: gradients are not clipped.
      loss_scale: the loss scale of a model that computes in float16; otherwise None.
    """

    strategy: Strategy
    model: KerasModel
    optimizer: Optimizer
    differentiate: Differentiation
    clip_norm: float | None = None
    loss_scale: LossScale | None = None

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
            # Outside of the replica context, because some strategies cannot update variables in a branch within it.
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
          The keys of the gradients are the numbers of the variables.
        """
        scale = None if self.loss_scale is None else self.loss_scale.value
        size, value, found = self.differentiate(inputs, targets, denominators, scale)
        *gradients, value = optimization.sums([*found.values(), value])
        if self.loss_scale is not None:
            gradients = self.loss_scale.unscaled(gradients)
        norm = optimization.global_norm(gradients)
        gradients = optimization.clipped(gradients, norm, self.clip_norm)
        return size, value, norm, dict(zip(found, gradients, strict=True))

    def _update(self, gradients: dict[int, Gradient]) -> None:
        """Applies gradients on a replica. Their keys are the numbers of the variables."""
        variables = self.model.trainable_variables
        pairs = [(gradient, variables[number]) for number, gradient in gradients.items()]
        self.optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)

    def _skip(self) -> None:
        self.optimizer.iterations.assign_add(1)
