"""Differentiates a loss: the whole model at once, or micro-batch by micro-batch.

How gradients are computed does not depend on what is done with them. A step that knew about micro-batches,
recomputation and stages on several devices would need a flag for each of them, and for each combination. Here each way
of computing is an object that a step is given (`Differentiation`).

The model itself may add terms to its loss (`model.losses`: penalties on weights and on activities, `add_loss`). Such a
term is a mean over the examples of a replica, or the same on each replica. So each replica weights it by its share of
the global batch, and the sum equals the value on one device. Keras divides by the number of replicas instead. This is
the same for weights, but not for activities if replicas have different numbers of examples.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import NamedTuple, Protocol

from limbeck.aliases import Features, Gradient, KerasModel, Tensor
from limbeck.errors import TaskError
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation.targets import Loss
from limbeck.trainer.fitting import micro_batches, optimization


class Differentiated(NamedTuple):
    """The result of a differentiation, for the examples of one replica.

    Attributes:
      examples: int64 scalar, their number.
      value: float32 scalar, their part of the loss.
      gradients: the gradients of the loss, dense or in slices, by the number of their variable. They are multiplied by
        the loss scale.
    """

    examples: Tensor
    value: Tensor
    gradients: dict[int, Gradient]


class Differentiation(Protocol):
    """Computes the gradients of a replica's part of the loss. The variables are those of the step's model, in order."""

    def __call__(
        self, inputs: Features, targets: Features, denominators: Denominators, scale: Tensor | None
    ) -> Differentiated:
        """Differentiates the loss. It is called within a graph, in a replica context.

        Args:
          inputs: the inputs of the model by name, each `[batch, ...]`. There may be no example.
          targets: the targets by name, likewise.
          denominators: the counts of the global batch.
          scale: the loss scale, a float32 scalar; None: the loss is not scaled.

        Raises:
          TaskError: if no trainable variable has a part in the model's logits.
        """


@dataclasses.dataclass(frozen=True, eq=False)
class WholeModel:
    """A `Differentiation` by one gradient tape.

    Attributes:
      model: tf_keras model: inputs by name -> `[batch, outputs]`; or a `limbeck.trainer.distillation.student.Student`,
        whose outputs are the logits and what else the loss takes.
      loss: computes a replica's part of the loss.
    """

    model: KerasModel
    loss: Loss

    def __call__(
        self, inputs: Features, targets: Features, denominators: Denominators, scale: Tensor | None
    ) -> Differentiated:
        """Differentiates the loss; see `Differentiation`."""
        import tensorflow as tf

        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            logits = tf.nest.flatten(outputs)[0]
            value = self.loss(outputs, targets, denominators)
            # Read once, within the tape, because each access computes the penalties on weights again.
            added = self.model.losses
            if added:
                total = tf.add_n([tf.reduce_sum(tf.cast(one, tf.float32)) for one in added])
                value += share_of(total, tf.shape(logits)[0], denominators)
            differentiated = value if scale is None else value * scale
        found = tape.gradient(differentiated, variables)
        gradients = existing(enumerate(found))
        if added:
            gradients = kept_if_any(gradients, tf.shape(logits)[0])
        return Differentiated(tf.shape(logits, tf.int64)[0], value, gradients)


@dataclasses.dataclass(frozen=True, eq=False)
class Accumulated:
    """A `Differentiation` in micro-batches, one after the other (`limbeck.trainer.fitting.micro_batches`).

    Everything that is differentiated is a sum over examples, so the sum over micro-batches is the same.

    Attributes:
      part: differentiates one micro-batch.
      count: number of micro-batches.
    """

    part: Differentiation
    count: int

    def __call__(
        self, inputs: Features, targets: Features, denominators: Denominators, scale: Tensor | None
    ) -> Differentiated:
        """Differentiates the loss; see `Differentiation`."""
        numbers: list[int] = []

        def computed(part: int) -> list[Gradient]:
            one = micro_batches.cut((inputs, targets), self.count, part)
            size, value, gradients = self.part(*one, denominators, scale)
            numbers[:] = gradients
            return [*gradients.values(), value, size]

        *gradients, value, size = micro_batches.added(self.count, computed)
        return Differentiated(size, value, dict(zip(numbers, gradients, strict=True)))


def share_of(added: Tensor, examples: Tensor, denominators: Denominators) -> Tensor:
    """Returns a replica's part of a term that the model adds to its loss: a float32 scalar.

    Args:
      added: the term, a float32 scalar. It may be NaN if there is no example.
      examples: number of the replica's examples, an int32 scalar.
      denominators: the counts of the global batch.
    """
    import tensorflow as tf

    count = tf.cast(examples, tf.float32)
    return tf.where(count > 0, added * (count / denominators.examples), 0.0)


def existing(found: Iterable[tuple[int, Gradient | None]]) -> dict[int, Gradient]:
    """Returns the gradients that are not None, by the number of their variable.

    Raises:
      TaskError: if there is none.
    """
    gradients = {number: gradient for number, gradient in found if gradient is not None}
    if not gradients:
        raise TaskError("no trainable variable of the model has a part in its logits: there is nothing to train")
    return gradients


def kept_if_any(gradients: dict[int, Gradient], examples: Tensor) -> dict[int, Gradient]:
    """Returns the gradients; zeros if there is no example. A mean over no example is NaN, and so is 0 times NaN."""
    return {number: optimization.kept(one, examples > 0) for number, one in gradients.items()}
