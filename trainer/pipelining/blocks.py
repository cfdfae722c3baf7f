"""Cuts a functional model into blocks, and computes a block forward and backward.

A gradient tape over a whole model keeps all of its activations until they are used. A model in blocks is differentiated
block by block, by the chain rule. Each block has its own tape, which may be on another device, or may be made later by
computing the block again. The blocks are Keras models that share the layers of the whole model, so they have the same
variables, and the exported model does not contain them.

If a block is computed again, it must find its state as it was. Otherwise Dropout draws another mask, and batch
normalisation updates its averages twice. So a block that is computed again gets the state of its first pass, and
afterwards the newest state comes back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any

from limbeck.aliases import Gradient, KerasModel, Tensor, Variable
from limbeck.errors import TaskError
from limbeck.trainer.pipelining.call_graph import Call, CallGraph
from limbeck.trainer.pipelining.host_memory import on_host

# Tensors of a forward pass, or their gradients, by the number of the value.
Values = dict[int, Tensor]


@dataclasses.dataclass(frozen=True, eq=False)
class Layout:
    """A functional model as a call graph.

    Attributes:
      graph: the calls. Value and variable numbers are ids of the objects below.
      values: the symbolic tensor of each value.
      inputs: the values of the model's inputs, in the order of `model.inputs`.
      outputs: the values of the model's outputs, in the order of `model.outputs`.
    """

    graph: CallGraph
    values: dict[int, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]

    def bytes(self, number: int) -> int:
        """Returns the size of a value for one example. A dimension that is not known counts as 1."""
        value = self.values[number]
        size = value.dtype.size
        for length in value.shape[1:] if value.shape.rank is not None else ():
            size *= length or 1
        return int(size)


def layout(model: KerasModel, who: str, why: str) -> Layout:
    """Returns the call graph of a model.

    Args:
      model: the model, which was called once.
      who: the model in words, for the message.
      why: the setting that cuts the model, for the message.

    Raises:
      TaskError: if the model is not functional, or has a loss by `model.add_loss`.
    """
    import tensorflow as tf

    if not getattr(model, "_is_graph_network", False):
        raise TaskError(
            f"{why} cuts a model into blocks, and {who} cannot be cut: it is a subclass of tf_keras.Model, whose "
            "layers cannot be seen from outside. Build it from tf_keras.Input, or leave the setting out"
        )
    if any(type(layer).__name__ == "AddLoss" for layer in model.layers):
        raise TaskError(
            f"{why} cuts a model into blocks, and {who} has a loss by model.add_loss(), which belongs to no block: "
            "call add_loss() within a layer"
        )
    by_depth = model._nodes_by_depth
    nodes = [node for depth in sorted(by_depth, reverse=True) for node in by_depth[depth] if not node.is_input]
    values = {id(one): one for one in model.inputs}
    calls = []
    for node in nodes:
        takes, gives = (
            {id(one): one for one in tf.nest.flatten(some)} for some in (node.keras_inputs, node.outputs)
        )
        values |= takes | gives
        variables = frozenset(id(one) for one in node.layer.weights)
        calls.append(Call(frozenset(takes), frozenset(gives), variables))
    inputs, outputs = (tuple(id(one) for one in some) for some in (model.inputs, model.outputs))
    return Layout(CallGraph(frozenset(inputs), tuple(calls), frozenset(outputs)), values, inputs, outputs)


@dataclasses.dataclass(frozen=True, eq=False)
class Block:
    """Consecutive calls of a model.

    Attributes:
      model: computes them.
      takes: numbers of the values that it takes, in the order of the inputs of `model`.
      gives: numbers of the values that it computes and other blocks need, in the order of the outputs of `model`.
      differentiable: those of `takes` that have a gradient: floating-point values that another block computed.
      state: the variables that a forward pass may change.
    """

    model: KerasModel
    takes: tuple[int, ...]
    gives: tuple[int, ...]
    differentiable: tuple[int, ...]
    state: tuple[Variable, ...]

    @property
    def variables(self) -> list[Variable]:
        """The variables that are trained."""
        return list(self.model.trainable_variables)

    def forward(self, values: Values, *, keep: bool, swap: bool = False) -> Pass:
        """Computes the block.

        Args:
          values: the values that it takes. There may be others.
          keep: whether its activations are kept for `Pass.backward`; otherwise they are recomputed.
          swap: if they are recomputed: whether the inputs of the block are kept in the memory of the machine, and not
            of the device.
        """
        import tensorflow as tf

        before = [] if keep else [one.read_value() for one in self.state]
        taken = [values[number] for number in self.takes]
        masks = [getattr(one, "_keras_mask", None) for one in taken]
        if not keep:
            outputs, added = self._compute(taken, masks)
            made = set(self.differentiable) if swap else set()
            kept = [on_host(one) if n in made else one for n, one in zip(self.takes, taken, strict=True)]
            return Pass(self, kept, masks, outputs, added, before)
        with tf.GradientTape() as tape:
            tape.watch(self._differentiated(taken))
            outputs, added = self._compute(taken, masks)
        return Pass(self, taken, masks, outputs, added, before, tape)

    def answer(self, values: Values) -> Values:
        """Computes the block in inference mode, and returns the values that it gives."""
        taken = [values[number] for number in self.takes]
        outputs = self._called(taken, [getattr(one, "_keras_mask", None) for one in taken], training=False)
        return dict(zip(self.gives, outputs, strict=True))

    def _called(self, taken: Sequence[Tensor], masks: Sequence[Any], *, training: bool) -> list[Tensor]:
        import tensorflow as tf

        masked = any(mask is not None for mask in masks)
        return list(
            tf.nest.flatten(self.model(list(taken), training=training, mask=list(masks) if masked else None))
        )

    def _compute(self, taken: Sequence[Tensor], masks: Sequence[Any]) -> tuple[list[Tensor], Tensor | None]:
        """Returns the outputs, and the block's own term of the loss, a float32 scalar; None if there is none."""
        import tensorflow as tf

        outputs = self._called(taken, masks, training=True)
        losses = self.model.losses
        added = tf.add_n([tf.reduce_sum(tf.cast(one, tf.float32)) for one in losses]) if losses else None
        return outputs, added

    def _differentiated(self, taken: Sequence[Tensor]) -> list[Tensor]:
        return [one for number, one in zip(self.takes, taken, strict=True) if number in self.differentiable]


@dataclasses.dataclass(frozen=True, eq=False)
class Pass:
    """A forward pass of a block on one micro-batch, and what its backward pass needs.

    Attributes:
      block: the block.
      taken: the tensors that it took, or copies of them in the memory of the machine.
      masks: their Keras masks, or None.
      outputs: the tensors that it made, in the order of `block.gives`.
      added: the term that it adds to the loss, a float32 scalar, or None.
      before: its state before the pass, if it is to be recomputed.
      tape: its tape; None if it is to be recomputed.
    """

    block: Block
    taken: list[Tensor]
    masks: list[Any]
    outputs: list[Tensor]
    added: Tensor | None
    before: list[Tensor]
    tape: Any = None

    @property
    def given(self) -> Values:
        """The outputs by the number of their value."""
        return dict(zip(self.block.gives, self.outputs, strict=True))

    def backward(
        self, gradients: Values, of_added: Tensor, after: Sequence[Any] = ()
    ) -> tuple[Values, list[Gradient | None]]:
        """Computes the gradients of the block's inputs and of its variables.

        The gradients of the inputs are available only after those of the variables, so that the block before it does
        not begin earlier. Otherwise the activations of both blocks would be in memory.

        Args:
          gradients: the gradients of its outputs; missing gradients are 0.
          of_added: the gradient of the term that it adds to the loss, a float32 scalar.
          after: the tensors and operations that a recomputed pass waits for.

        Returns:
          The gradients of the values that it took, and those of `block.variables`; None for a variable without a
          gradient.
        """
        import tensorflow as tf

        taken, outputs, added, tape = self._recomputed(after) if self.tape is None else self._kept()
        targets = [(one, gradients[n]) for n, one in zip(self.block.gives, outputs, strict=True) if n in gradients]
        targets += [] if added is None else [(added, of_added)]
        sources = self.block._differentiated(taken)
        if not targets:
            return {}, [None] * len(self.block.variables)
        found = tape.gradient(
            [one for one, _ in targets], [sources, self.block.variables], [g for _, g in targets]
        )
        there = [one for one in tf.nest.flatten(found) if one is not None]
        with tf.control_dependencies(there):
            passed = {
                number: tf.identity(one)
                for number, one in zip(self.block.differentiable, found[0], strict=True)
                if one is not None
            }
        return passed, found[1]

    def _kept(self) -> tuple[Any, ...]:
        return self.taken, self.outputs, self.added, self.tape

    def _recomputed(self, after: Sequence[Any]) -> tuple[Any, ...]:
        import tensorflow as tf

        # Otherwise the computation would start at once, because the inputs have been available for long.
        with tf.control_dependencies(after):
            taken = [tf.nest.map_structure(tf.identity, one, expand_composites=True) for one in self.taken]
        with _earlier(self.block.state, self.before), tf.GradientTape() as tape:
            tape.watch(self.block._differentiated(taken))
            outputs, added = self.block._compute(taken, self.masks)
        return taken, outputs, added, tape


@contextlib.contextmanager
def _earlier(state: Sequence[Variable], values: Sequence[Tensor]) -> Any:
    """Returns a context in which variables have earlier values. At its end they get their newest values again."""
    newest = [one.read_value() for one in state]
    for one, value in zip(state, values, strict=True):
        one.assign(value)
    yield
    for one, value in zip(state, newest, strict=True):
        one.assign(value)


def blocks_of(model: Layout, cuts: Sequence[int]) -> tuple[Block, ...]:
    """Returns the blocks between cuts. Call it in the strategy's scope, and with the model's precision.

    Args:
      model: the layout of the model.
      cuts: positions of `CallGraph.cuts`, in ascending order.
    """
    graph = model.graph
    bounds = [0, *cuts, len(graph.calls)]
    return tuple(_block(model, begin, end) for begin, end in itertools.pairwise(bounds))


def _block(model: Layout, begin: int, end: int) -> Block:
    import tf_keras

    graph, order = model.graph, {number: place for place, number in enumerate(model.values)}
    made, after = graph.made(begin, end), graph.taken(end, len(graph.calls)) | graph.wanted
    takes, gives = (tuple(sorted(some, key=order.__getitem__)) for some in (graph.taken(begin, end), made & after))
    computes = tf_keras.Model([model.values[one] for one in takes], [model.values[one] for one in gives])
    floating = tuple(n for n in takes if n not in graph.given and model.values[n].dtype.is_floating)
    state = {
        id(one): one
        for layer in computes._flatten_layers()
        for one in layer._non_trainable_weights
        if hasattr(one, "dtype")
    }
    return Block(computes, takes, gives, floating, tuple(state.values()))
