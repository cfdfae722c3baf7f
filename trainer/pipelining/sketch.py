"""Sketches of models: their variables have shapes and no memory, so that a model of any size can be inspected.

A model that is too large for a process cannot be built there to be tried, measured or exported. But most questions
concern only its layers and shapes, and a graph can be traced without reading a variable. If values are needed, one
block after another gets memory, and frees it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from limbeck.aliases import Tensor, Variable
from limbeck.trainer.pipelining.blocks import Block, Layout, Values
from limbeck.trainer.pipelining.variable_handles import plain


class Made(NamedTuple):
    """A variable that was created.

    Attributes:
      name: the name that was given to it; None if it has no name.
      variable: the variable. If Keras casts its values, the model has a wrapper around it.
      initial: computes its first value; None if it already has its value.
    """

    name: str | None
    variable: Variable
    initial: Callable[[], Any] | None = None


@contextlib.contextmanager
def sketched(*, empty: bool = True) -> Iterator[list[Made]]:
    """Returns a context in which variables are created without memory. It yields a list that receives them, in order.

    If a shape is known only from the value, as for a counter, the variable gets its value at once. If `empty` is False,
    every variable does.
    """
    import tensorflow as tf

    made: list[Made] = []

    def sketch(create: Any, **options: Any) -> Variable:
        initial = options.get("initial_value")
        known = options.get("shape") is not None and options.get("dtype") is not None
        if empty and known and callable(initial):
            variable = _without_memory(options, options["shape"], options["dtype"])
            made.append(Made(options.get("name"), variable, initial))
            return variable
        variable = create(**options)
        made.append(Made(options.get("name"), variable))
        return variable

    with tf.variable_creator_scope(sketch):
        yield made


@contextlib.contextmanager
def slots_sketched() -> Iterator[None]:
    """Returns a context in which an optimizer is built for a sketch. Its slots have no memory, and are never set.

    Scalars, such as the number of steps, get their values.
    """
    import tensorflow as tf

    def sketch(create: Any, **options: Any) -> Variable:
        initial = options.get("initial_value")
        shape = options.get("shape")
        shape = getattr(initial, "shape", None) if shape is None else shape
        if shape is None or not tf.TensorShape(shape).rank:
            return create(**options)
        return _without_memory(options, shape, options.get("dtype") or getattr(initial, "dtype", None))

    with tf.variable_creator_scope(sketch):
        yield


def _without_memory(options: dict[str, Any], shape: Any, dtype: Any) -> Variable:
    from tensorflow.python.ops.resource_variable_ops import UninitializedVariable

    kept = ("name", "trainable", "constraint", "synchronization", "aggregation")
    return UninitializedVariable(shape=shape, dtype=dtype, **{name: options.get(name) for name in kept})


@contextlib.contextmanager
def filled(made: Sequence[Made], wanted: Sequence[Variable], *, zeros: bool = False) -> Iterator[None]:
    """Returns a context in which some variables of a sketch have values. At its end, their memory is free again.

    Args:
      made: the variables of the sketch.
      wanted: the variables that get values.
      zeros: whether they get 0 instead of their first values. First values should be computed only once, because Keras
        warns about initializers that are called twice.
    """
    import tensorflow as tf

    known = {id(plain(one)) for one in wanted}
    mine = [(one.variable, one.initial) for one in made if one.initial and id(one.variable) in known]
    for variable, initial in mine:
        value = tf.zeros(variable.shape, variable.dtype) if zeros else initial()
        # `assign` would require the shape of an old value.
        _set(variable, value)
    try:
        yield
    finally:
        for variable, _ in mine:
            # Destroying the resource would not free the memory while a Python object still refers to it.
            _set(variable, tf.zeros([0], variable.dtype))


def _set(variable: Variable, value: Any) -> None:
    import tensorflow as tf

    value = tf.convert_to_tensor(value, variable.dtype)
    tf.raw_ops.AssignVariableOp(resource=variable.handle, value=value, validate_shape=False)


def answered(
    layout: Layout, cuts: Sequence[int], blocks: Sequence[Block], inputs: Sequence[Tensor], made: Sequence[Made]
) -> list[Tensor]:
    """Returns the outputs of a sketch for a batch, in inference mode. One block at a time has its first weights.

    Each block is computed in its own graph.

    Args:
      layout: the model as a call graph.
      cuts: the positions between its blocks.
      blocks: its blocks.
      inputs: the inputs of the model, in the order of `layout.inputs`.
      made: the variables of the sketch.
    """
    return _computed(layout, cuts, blocks, inputs, made, compute=_in_graph, zeros=False)


def answered_nothing(
    layout: Layout, cuts: Sequence[int], blocks: Sequence[Block], inputs: Sequence[Tensor], made: Sequence[Made]
) -> list[Tensor]:
    """Does the same for inputs without any example, operation by operation, with weights that are 0."""
    return _computed(layout, cuts, blocks, inputs, made, compute=Block.answer, zeros=True)


def _computed(
    layout: Layout,
    cuts: Sequence[int],
    blocks: Sequence[Block],
    inputs: Sequence[Tensor],
    made: Sequence[Made],
    *,
    compute: Callable[[Block, Values], Values],
    zeros: bool,
) -> list[Tensor]:
    graph, values = layout.graph, dict(zip(layout.inputs, inputs, strict=True))
    for block, end in zip(blocks, [*cuts, len(graph.calls)], strict=True):
        with filled(made, block.model.weights, zeros=zeros):
            values |= compute(block, values)
        later = graph.taken(end, len(graph.calls)) | graph.wanted
        values = {number: one for number, one in values.items() if number in later}
    return [values[number] for number in layout.outputs]


def _in_graph(block: Block, values: Values) -> Values:
    """Computes a block in a graph. Returns masks separately, because a graph does not return attributes of tensors."""
    import tensorflow as tf

    given = [values[number] for number in block.takes]
    masks = [getattr(one, "_keras_mask", None) for one in given]

    @tf.function(autograph=False)
    def call(taken: list[Tensor], masks: list[Any]) -> tuple[list[Tensor], list[Any]]:
        for one, mask in zip(taken, masks, strict=True):
            _mask(one, mask)
        answers = list(block.answer(dict(zip(block.takes, taken, strict=True))).values())
        return answers, [getattr(one, "_keras_mask", None) for one in answers]

    # Without a concrete function, TensorFlow would warn that the function is traced again for each block.
    outputs, theirs = call.get_concrete_function(given, masks)(given, masks)
    for one, mask in zip(outputs, theirs, strict=True):
        _mask(one, mask)
    return dict(zip(block.gives, outputs, strict=True))


def _mask(values: Tensor, mask: Any) -> None:
    if mask is not None:
        values._keras_mask = mask
