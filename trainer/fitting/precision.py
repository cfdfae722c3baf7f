"""Mixed precision: layers compute in 16 bits. Variables, losses and the exported model stay in 32 bits.

In float16 the smallest gradients are rounded to 0, unless the loss is scaled. Keras scales it in an optimizer that
wraps the optimizer. Its scale is not among the optimizer's `variables`, so it is not in checkpoints. And the gradients
are unscaled too late to clip them or to detect an overflow. Here the loss scale is a part of the step.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from limbeck.aliases import Gradient, Optimizer, Tensor
from limbeck.settings.training import TrainingConfig

# Keras' values. The scale begins large: if it is too large, a few steps are skipped until it is halved often enough.
INITIAL_SCALE = 2.0**15
GROWTH_STEPS = 2000


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Returns a context in which Keras layers are built with this precision.

    Args:
      name: name of a Keras policy, such as `mixed_float16`.
    """
    from tf_keras import mixed_precision

    before = mixed_precision.global_policy()
    mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        mixed_precision.set_global_policy(before)


class LossScale:
    """A factor: the loss is multiplied by it before differentiation, and the gradients are divided by it afterwards.

    It is halved at each step whose gradients overflow, but never below 1. It is doubled after `GROWTH_STEPS` steps in a
    row without an overflow. This is the rule of Micikevicius et al. (2018), "Mixed precision training".
    """

    def __init__(self) -> None:
        """Makes the variables. Call it in `limbeck.trainer.distribution.strategies.scope`."""
        import tensorflow as tf

        self.variables = [
            tf.Variable(INITIAL_SCALE, trainable=False, name="loss_scale"),
            tf.Variable(0, dtype=tf.int64, trainable=False, name="steps_since_overflow"),
        ]

    @property
    def value(self) -> Tensor:
        """The scale: a float32 scalar, a power of two."""
        return self.variables[0].read_value()

    def unscaled(self, gradients: Sequence[Gradient]) -> list[Gradient]:
        """Divides gradients by the scale. The division is exact, unless a gradient underflows."""
        from limbeck.trainer.fitting.optimization import scaled

        return [scaled(gradient, 1 / self.value) for gradient in gradients]

    def update(self, finite: Tensor) -> None:
        """Adapts the scale after a step. Call it outside of the replica context.

        Args:
          finite: whether the gradients of the step were finite, a bool scalar.
        """
        import tensorflow as tf

        scale, steps = self.variables
        grown = tf.logical_and(finite, tf.equal(steps.read_value() + 1, GROWTH_STEPS))
        factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
        wanted = tf.maximum(scale.read_value() * factor, 1.0)
        scale.assign(tf.where(tf.math.is_finite(wanted), wanted, scale.read_value()))
        steps.assign(tf.where(tf.logical_and(finite, tf.logical_not(grown)), steps.read_value() + 1, 0))


def loss_scale(training: TrainingConfig, optimizer: Optimizer) -> LossScale | None:
    """Makes the loss scale if the precision needs one, and adds its variables to the optimizer, so that they are saved.

    Call it in `limbeck.trainer.distribution.strategies.scope`. Returns None if the precision needs no loss scale.
    """
    if training.precision != "mixed_float16":
        return None
    made = LossScale()
    optimizer.loss_scale_variables = made.variables
    return made
