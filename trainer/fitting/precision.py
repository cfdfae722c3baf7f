"""Mixed precision: layers compute in 16 bits; variables, losses and the exported model stay in 32.

Without loss scaling the smallest gradients of float16 are rounded to 0. Keras does it in an optimizer around the
optimizer, which hides its scale from `variables`, and so from a checkpoint, and unscales where a gradient can no
longer be clipped or told to be broken. Here it is a part of the loop.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from limbeck.aliases import Gradient, Optimizer, Tensor
from limbeck.settings.training import TrainingConfig

# As Keras has it: large, because a scale that is too large costs only the few steps in which it is halved.
INITIAL_SCALE = 2.0**15
GROWTH_STEPS = 2000


@contextlib.contextmanager
def policy(name: str) -> Iterator[None]:
    """Builds the layers of Keras models in this precision while the context lasts."""
    from tf_keras import mixed_precision

    before = mixed_precision.global_policy()
    mixed_precision.set_global_policy(name)
    try:
        yield
    finally:
        mixed_precision.set_global_policy(before)


class LossScale:
    """What the loss is multiplied by before, and the gradients divided by after differentiation.

    It is halved, down to 1, at each step whose gradients overflow, and doubled after `GROWTH_STEPS` that do not: the
    rule of Micikevicius et al. (2018), "Mixed precision training".
    """

    def __init__(self) -> None:
        """Makes the variables; call it in `trainer.distribution.strategies.scope`."""
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
        """Divides gradients by the scale; exact, short of underflow."""
        from trainer.fitting.optimization import scaled

        return [scaled(gradient, 1 / self.value) for gradient in gradients]

    def update(self, finite: Tensor) -> None:
        """Takes in whether the gradients of a step were finite; call it outside of replicas."""
        import tensorflow as tf

        scale, steps = self.variables
        grown = tf.logical_and(finite, tf.equal(steps.read_value() + 1, GROWTH_STEPS))
        factor = tf.where(finite, tf.where(grown, 2.0, 1.0), 0.5)
        wanted = tf.maximum(scale.read_value() * factor, 1.0)
        scale.assign(tf.where(tf.math.is_finite(wanted), wanted, scale.read_value()))
        steps.assign(tf.where(tf.logical_and(finite, tf.logical_not(grown)), steps.read_value() + 1, 0))


def loss_scale(training: TrainingConfig, optimizer: Optimizer) -> LossScale | None:
    """Makes the loss scale where the precision needs one, and ties it to the optimizer, whose state it is a part of.

    Call it in `trainer.distribution.strategies.scope`.
    """
    if training.precision != "mixed_float16":
        return None
    made = LossScale()
    optimizer.loss_scale_variables = made.variables
    return made
