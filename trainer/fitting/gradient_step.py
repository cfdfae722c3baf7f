"""The plain optimizer step: one gradient over all replicas of all processes.

Losses and gradients of the replicas are sums over their examples, each divided by the count of the *global* batch; so
their sum is the loss and the gradient of the global batch, however it was divided.

What the model itself adds to its loss (`model.losses`: penalties on weights and on activities, `add_loss`) is a mean
over the examples of a replica, or the same on each. So every replica contributes it weighted by its share of the
global batch: the sum is what one device computes. Keras divides by the number of replicas instead, which is the same
for weights, and another value for activities where replicas have different numbers of examples.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from limbeck.aliases import Batch, Features, Gradient, KerasModel, Optimizer, Strategy, Tensor
from limbeck.errors import TaskError
from trainer.data.batches import Denominators
from trainer.distillation.targets import Loss
from trainer.fitting import optimization
from trainer.fitting.precision import LossScale
from trainer.fitting.step import StepResult


@dataclasses.dataclass(frozen=True, eq=False)
class GradientStep:
    """A `Step` on the batches of a `PerReplicaPipeline`: (inputs by name, targets by name, denominators).

    Attributes:
      strategy: under whose scope model and optimizer were built.
      model: tf_keras model, called with the inputs of a batch.
      optimizer: tf_keras optimizer.
      loss: a replica's part of the loss.
      clip_norm: largest norm of the gradient of the global batch; None: any.
      loss_scale: where the model computes in float16.
    """

    strategy: Strategy
    model: KerasModel
    optimizer: Optimizer
    loss: Loss
    clip_norm: float | None = None
    loss_scale: LossScale | None = None

    def run(self, batch: Batch) -> StepResult:
        """Does the step.

        Raises:
          TaskError: where no trainable variable has a part in the model's logits.
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
            # Outside of replicas, because there some strategies cannot update variables in a branch.
            tf.cond(finite, lambda: strategy.run(self._update, args=(gradients,)), self._skip)
            # With no scale at all it is no overflow of ours.
            finite = tf.logical_or(finite, loss_scale.value > 1)
            loss_scale.update(tf.math.is_finite(norm))
        sound = tf.logical_and(tf.math.is_finite(value), finite)
        return StepResult(value, optimization.learning_rate(self.optimizer), norm, sound, examples)

    def _differentiate(self, inputs: Features, targets: Features, denominators: Denominators) -> tuple[Any, ...]:
        """Returns, on a replica: its number of examples, and loss, norm and clipped gradients of the global batch."""
        import tensorflow as tf

        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            logits = self.model(inputs, training=True)
            value = self.loss(logits, targets, denominators)
            # Read within the tape, once: each access computes the penalties on weights anew.
            added = self.model.losses
            if added:
                value += _share_of(added, logits, denominators)
            differentiated = value if self.loss_scale is None else value * self.loss_scale.value
        found = tape.gradient(differentiated, variables)
        used = [number for number, gradient in enumerate(found) if gradient is not None]
        if not used:
            raise TaskError(
                "no trainable variable of the model has a part in its logits: there is nothing to train"
            )
        mine = [found[number] for number in used]
        if added:
            # The mean over no example is not a number, and 0 times it neither.
            mine = [optimization.kept(gradient, tf.shape(logits)[0] > 0) for gradient in mine]
        *gradients, value = optimization.sums([*mine, value])
        if self.loss_scale is not None:
            gradients = self.loss_scale.unscaled(gradients)
        norm = optimization.global_norm(gradients)
        gradients = optimization.clipped(gradients, norm, self.clip_norm)
        return tf.shape(logits, tf.int64)[0], value, norm, dict(zip(used, gradients, strict=True))

    def _update(self, gradients: dict[int, Gradient]) -> None:
        """Applies, on a replica, gradients by the number of their variable."""
        variables = self.model.trainable_variables
        pairs = [(gradient, variables[number]) for number, gradient in gradients.items()]
        self.optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)

    def _skip(self) -> None:
        self.optimizer.iterations.assign_add(1)


def _share_of(added: list[Tensor], logits: Tensor, denominators: Denominators) -> Tensor:
    """This replica's part of what the model adds to its loss: a float32 scalar."""
    import tensorflow as tf

    total = tf.add_n([tf.reduce_sum(tf.cast(one, tf.float32)) for one in added])
    examples = tf.cast(tf.shape(logits)[0], tf.float32)
    return tf.where(examples > 0, total * (examples / denominators.examples), 0.0)
