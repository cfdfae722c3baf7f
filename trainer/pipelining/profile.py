"""Measures what each block of a model costs, so that it can be cut into stages that take equally long.

The number of parameters says little about time: an embedding has most of them, and attention few. So each block is
computed forward and backward on a real micro-batch several times, and the fastest time counts. Sizes follow from the
shapes. The model may be larger than the memory of this machine, so only one block at a time has weights.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from limbeck.aliases import Tensor
from limbeck.trainer.pipelining.blocks import Block, Layout, Values
from limbeck.trainer.pipelining.partition import BlockCost
from limbeck.trainer.pipelining.sketch import Made, filled

_RUNS = 3


def sizes(
    layout: Layout, cuts: Sequence[int], blocks: Sequence[Block], examples: int, copies: int = 1
) -> list[BlockCost]:
    """Returns the sizes of each block, without times: nothing is computed.

    Args:
      layout: the model.
      cuts: the positions between its blocks.
      blocks: its blocks.
      examples: number of examples of a micro-batch.
      copies: number of values that a training holds for each weight, including the weight.
    """
    graph, bounds, found = layout.graph, [0, *cuts, len(layout.graph.calls)], []
    for block, begin, end in zip(blocks, bounds, bounds[1:], strict=False):
        weights = sum(int(one.shape.num_elements() or 0) * one.dtype.size for one in block.model.weights)
        made, crossing = (
            sum(layout.bytes(n) for n in some) * examples for some in (graph.made(begin, end), graph.crossing(end))
        )
        found.append(BlockCost(0.0, weights * copies, made, crossing))
    return found


def costs(
    layout: Layout,
    cuts: Sequence[int],
    blocks: Sequence[Block],
    inputs: Sequence[Tensor],
    made: Sequence[Made] = (),
    *,
    copies: int = 1,
) -> list[BlockCost]:
    """Returns the cost of each block. It changes the state of the model, but no trainable weight.

    Args:
      layout: the model.
      cuts: the positions between its blocks.
      blocks: its blocks.
      inputs: the model's inputs for one micro-batch, in the order of `layout.inputs`.
      made: the variables of the model, if it is a sketch.
      copies: as for `sizes`.
    """
    values: Values = dict(zip(layout.inputs, inputs, strict=True))
    graph, ends, found = layout.graph, [*cuts, len(layout.graph.calls)], []
    examples = int(inputs[0].shape[0]) if hasattr(inputs[0], "shape") else 1
    for one, block, end in zip(sizes(layout, cuts, blocks, examples, copies), blocks, ends, strict=True):
        with filled(made, block.model.weights):
            given, seconds = _measured(block, values)
        values |= given
        later = graph.taken(end, len(graph.calls))
        values = {number: value for number, value in values.items() if number in later}
        found.append(dataclasses.replace(one, seconds=seconds))
    return found


def _measured(block: Block, values: Values) -> tuple[Values, float]:
    """Returns the values that a block gives, and the seconds of a forward and a backward pass."""
    import tensorflow as tf

    @tf.function(autograph=False)
    def call(taken: list[Tensor]) -> tuple[list[Tensor], object]:
        given = block.forward(dict(zip(block.takes, taken, strict=True)), keep=True)
        floating = {number: one for number, one in given.given.items() if one.dtype.is_floating}
        ones = {number: tf.ones_like(one) for number, one in floating.items()}
        passed, of_variables = given.backward(ones, tf.constant(1.0))
        return given.outputs, [list(passed.values()), [one for one in of_variables if one is not None]]

    taken, best = [values[number] for number in block.takes], float("inf")
    outputs, _ = call(taken)
    for _ in range(_RUNS):
        began = time.perf_counter()
        _, gradients = call(taken)
        for one in tf.nest.flatten(gradients, expand_composites=True)[-1:]:
            one.numpy()
        best = min(best, time.perf_counter() - began)
    return dict(zip(block.gives, outputs, strict=True)), best
