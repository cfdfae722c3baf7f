"""Differentiates a model block by block, and computes the activations of a block again instead of keeping them.

The activations of a deep model take more memory than its weights. `tf.recompute_grad` around each block draws another
mask for Dropout, updates batch normalisation twice, and needs a model whose builder wraps its blocks itself. Here the
model is cut (`limbeck.trainer.pipelining.blocks`), and its gradients are those of the whole model. A block is computed
twice forward and once backward, which takes a third more time.

What is kept is chosen from the shapes of the layers (`limbeck.trainer.pipelining.kept_values`).
"""

from __future__ import annotations

import dataclasses
import itertools
import os
from collections.abc import Sequence
from typing import Any, Literal

from limbeck.aliases import Features, Gradient, Tensor, Variable
from limbeck.errors import ConfigError
from limbeck.trainer.data.batches import Denominators
from limbeck.trainer.distillation.student import Student
from limbeck.trainer.distillation.targets import Loss
from limbeck.trainer.fitting import differentiation
from limbeck.trainer.fitting.differentiation import Differentiated
from limbeck.trainer.fitting.micro_batches import sum_of
from limbeck.trainer.pipelining.blocks import Block, Layout, Pass, Values, blocks_of, layout
from limbeck.trainer.pipelining.kept_values import kept_cuts

Recompute = Literal["all", "except_last"]


@dataclasses.dataclass(frozen=True, eq=False)
class Head:
    """Computes the loss from the outputs of a functional model, and for a student, from those of its teachers, too.

    Attributes:
      learner: a tf_keras model, or a `Student`.
      loss: computes a replica's part of the loss from what the learner returns.
    """

    learner: Any
    loss: Loss

    @property
    def network(self) -> Any:
        """The functional model. Its outputs are the logits, and the layers that are compared with a teacher's."""
        return self.learner.network if isinstance(self.learner, Student) else self.learner

    @property
    def variables(self) -> list[Variable]:
        """The trained variables that do not belong to the network: projections."""
        mine = {id(one) for one in self.network.trainable_variables}
        return [one for one in self.learner.trainable_variables if id(one) not in mine]

    def differentiate(
        self,
        inputs: Features,
        outputs: Sequence[Tensor],
        targets: Features,
        denominators: Denominators,
        scale: Tensor | None,
    ) -> tuple[Tensor, list[Gradient | None], list[Gradient | None]]:
        """Returns the value of the loss, and its gradients: of the network's outputs, and of `variables`."""
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(outputs)
            seen = self.learner.observed(inputs, outputs) if isinstance(self.learner, Student) else outputs[0]
            value = self.loss(seen, targets, denominators)
            differentiated = value if scale is None else value * scale
        of_outputs, of_variables = tape.gradient(differentiated, [list(outputs), self.variables])
        return value, of_outputs, of_variables


@dataclasses.dataclass(frozen=True, eq=False)
class RecomputedModel:
    """A `Differentiation` that keeps only the values between blocks, and recomputes all others.

    Attributes:
      head: computes the loss from the model's outputs.
      layout: the model as a call graph.
      blocks: its blocks.
      except_last: whether the last block is not recomputed. Its backward pass comes first, so little would be saved.
      swap: whether the values between blocks are kept in the memory of the machine, and not of the device.
    """

    head: Head
    layout: Layout
    blocks: tuple[Block, ...]
    except_last: bool = True
    swap: bool = False

    def __call__(
        self, inputs: Features, targets: Features, denominators: Denominators, scale: Tensor | None
    ) -> Differentiated:
        """Differentiates the loss; see `limbeck.trainer.fitting.differentiation.Differentiation`."""
        import tensorflow as tf

        given = self.head.network._flatten_to_reference_inputs(inputs)
        values: Values = dict(zip(self.layout.inputs, given, strict=True))
        passes: list[Pass] = []
        for block in self.blocks:
            kept = self.except_last and block is self.blocks[-1]
            passes.append(block.forward(values, keep=kept, swap=self.swap))
            values |= passes[-1].given
        outputs = [values[number] for number in self.layout.outputs]
        value, of_outputs, of_head = self.head.differentiate(inputs, outputs, targets, denominators, scale)
        gradients: Values = {}
        for number, one in zip(self.layout.outputs, of_outputs, strict=True):
            add(gradients, number, one)
        examples = tf.shape(outputs[0])[0]
        share = share_gradient(examples, denominators, scale)
        found = list(zip(self.head.variables, of_head, strict=True))
        for one in reversed(passes):
            passed, of_variables = one.backward(gradients, share, list(gradients.values()))
            for number, gradient in passed.items():
                add(gradients, number, gradient)
            found += zip(one.block.variables, of_variables, strict=True)
            for number in one.block.gives:
                gradients.pop(number, None)
        added = [one.added for one in passes if one.added is not None]
        if added:
            value += differentiation.share_of(tf.add_n(added), examples, denominators)
        numbered = numbered_by(self.head.learner.trainable_variables, found)
        if added:
            numbered = differentiation.kept_if_any(numbered, examples)
        return Differentiated(tf.cast(examples, tf.int64), value, together(numbered))


def recomputed(head: Head, mode: Recompute, who: str, *, swap: bool = False) -> RecomputedModel:
    """Returns the differentiation of a model whose blocks are recomputed. Call it in the strategy's scope.

    Args:
      head: the model and its loss.
      mode: whether `all` blocks are recomputed, or all `except_last`.
      who: the model in words, for the message.
      swap: as in `RecomputedModel`.

    Raises:
      TaskError: if the model cannot be cut.
    """
    found = layout(head.network, who, f"training.recompute={mode}")
    return RecomputedModel(head, found, blocks_of(found, chosen_cuts(found)), mode == "except_last", swap)


def assert_kept_by_compilers(mode: Recompute) -> None:
    """Raises ConfigError for XLA on a CPU. It computes equal expressions only once, so nothing would be recomputed."""
    import tensorflow as tf

    flags = os.environ.get("TF_XLA_FLAGS", "")
    if "tf_xla_cpu_global_jit" in flags and not tf.config.list_physical_devices("GPU"):
        raise ConfigError(
            f"training.recompute={mode} saves no memory if XLA compiles for a CPU, because XLA computes equal things "
            f"once, and TF_XLA_FLAGS is '{flags}': unset it, or take training.recompute=none"
        )


def chosen_cuts(model: Layout) -> tuple[int, ...]:
    """Returns the best positions at which to cut a model for recomputation."""
    graph = model.graph
    cuts = graph.cuts()
    bounds = [0, *cuts, len(graph.calls)]
    inner = [_bytes(model, graph.made(*pair)) for pair in itertools.pairwise(bounds)]
    kept = kept_cuts(inner, [_bytes(model, graph.crossing(cut) - graph.wanted) for cut in cuts])
    return tuple(cuts[number] for number in kept)


def _bytes(model: Layout, numbers: frozenset[int]) -> int:
    return sum(model.bytes(number) for number in numbers)


def share_gradient(examples: Tensor, denominators: Denominators, scale: Tensor | None) -> Tensor:
    """Returns the gradient of the terms that a model adds to its loss: a float32 scalar."""
    import tensorflow as tf

    share = differentiation.share_of(tf.constant(1.0), examples, denominators)
    return share if scale is None else share * scale


def add(gradients: Values, number: int, gradient: Gradient | None) -> None:
    """Adds a gradient to the sum for the value with this number."""
    if gradient is not None:
        gradients[number] = sum_of(gradients[number], gradient) if number in gradients else gradient


def together(gradients: dict[int, Gradient]) -> dict[int, Gradient]:
    """Returns the gradients. None of them is available before all of them are computed.

    A recomputed block reads its variables late. TensorFlow orders this read before the update of the variable. But
    within a loop, the pass `dependency_optimization` of its graph optimizer loses this order.
    """
    import tensorflow as tf

    def there(one: Gradient) -> Gradient:
        with tf.device(one.device):
            return tf.nest.map_structure(tf.identity, one, expand_composites=True)

    with tf.control_dependencies(list(gradients.values())):
        return {number: there(one) for number, one in gradients.items()}


def numbered_by(
    variables: Sequence[Variable], found: Sequence[tuple[Variable, Gradient | None]]
) -> dict[int, Gradient]:
    """Returns the gradients by the number of their variable, in ascending order."""
    places = {id(variable): number for number, variable in enumerate(variables)}
    numbered = {places[id(variable)]: gradient for variable, gradient in found}
    return differentiation.existing(sorted(numbered.items()))
