"""One optimizer step over all replicas of all processes.

Losses and gradients of the replicas are sums over their examples, each divided by the count of the *global* batch; so
their sum is the loss and the gradient of the global batch, however it was divided.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from limbeck.errors import TaskError
from trainer.fitting import optimization
from trainer.fitting.precision import LossScale

Loss = Callable[[Any, dict[str, Any], Any], Any]


class Outcome(NamedTuple):
    """What a step was, as scalars that are the same in every process.

    Attributes:
      loss: of the global batch, in nats.
      learning_rate: of the update.
      gradient_norm: of the gradient of the loss, before clipping.
      sound: whether training can go on from it.
    """

    loss: Any
    learning_rate: Any
    gradient_norm: Any
    sound: Any


def build(
    strategy: Any,
    model: Any,
    optimizer: Any,
    loss: Loss,
    *,
    clip_norm: float | None = None,
    loss_scale: LossScale | None = None,
) -> Callable[[Any], tuple[Outcome, Any]]:
    """Makes the function that does a step; call it within a tf.function.

    Args:
      strategy: under whose scope model and optimizer were built.
      model: tf_keras model, called with the inputs of a batch.
      optimizer: tf_keras optimizer.
      loss: (the output `[batch, outputs]`, targets by name, `Denominators`) -> this replica's part of the loss, a
        float32 scalar.
      clip_norm: largest norm of the gradient; None: any.
      loss_scale: for float16.

    Returns:
      A function of the batches of all replicas: (inputs by name, targets by name, denominators). It gives the
      outcome and the number of examples, int64, that this process computed gradients of.
    """
    import tensorflow as tf

    variables = model.trainable_variables

    def differentiate(inputs: Any, targets: Any, denominators: Any) -> tuple[Any, ...]:
        with tf.GradientTape() as tape:
            logits = model(inputs, training=True)
            value = loss(logits, targets, denominators)
            differentiated = value if loss_scale is None else value * loss_scale.value
        found = tape.gradient(differentiated, variables)
        used = [number for number, gradient in enumerate(found) if gradient is not None]
        if not used:
            raise TaskError(
                "no trainable variable of the model has a part in its logits: there is nothing to train"
            )
        *gradients, value = optimization.sums([*(found[number] for number in used), value])
        if loss_scale is not None:
            gradients = loss_scale.unscaled(gradients)
        norm = optimization.global_norm(gradients)
        gradients = optimization.clipped(gradients, norm, clip_norm)
        return tf.shape(logits, tf.int64)[0], value, norm, dict(zip(used, gradients, strict=True))

    def apply(gradients: dict[int, Any]) -> None:
        pairs = [(gradient, variables[number]) for number, gradient in gradients.items()]
        optimizer.apply_gradients(pairs, skip_gradients_aggregation=True)

    def skip() -> None:
        optimizer.iterations.assign_add(1)

    def step(batch: Any) -> tuple[Outcome, Any]:
        sizes, value, norm, gradients = strategy.run(differentiate, args=batch)
        examples = tf.add_n(strategy.experimental_local_results(sizes))
        value, norm = (strategy.experimental_local_results(one)[0] for one in (value, norm))
        finite = tf.math.is_finite(norm)
        if loss_scale is None:
            strategy.run(apply, args=(gradients,))
        else:
            # Outside of replicas, because there some strategies cannot update variables in a branch.
            tf.cond(finite, lambda: strategy.run(apply, args=(gradients,)), skip)
            # With no scale at all it is no overflow of ours.
            finite = tf.logical_or(finite, loss_scale.value > 1)
            loss_scale.update(tf.math.is_finite(norm))
        sound = tf.logical_and(tf.math.is_finite(value), finite)
        return Outcome(value, optimization.learning_rate(optimizer), norm, sound), examples

    # Keras applies autograph to a user's layers itself; here it would rewrite Keras' own code, for seconds.
    return tf.autograph.experimental.do_not_convert(step)
