"""Puts the variables of a model, and those of its optimizer, on the devices of their stages.

A builder of a model does not know about stages, so it would put all variables on one device, which may be too small for
them. And the stages are known only after the model is built. So the model is built twice. The first one is a sketch,
whose variables have shapes and no memory (`limbeck.trainer.pipelining.sketch`). It shows which variable, in the order
of their creation, belongs to which stage. The variables of the second model are created there.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from limbeck.aliases import Gradient, Optimizer, Variable
from limbeck.trainer.pipelining.blocks import Block
from limbeck.trainer.pipelining.sketch import Made
from limbeck.trainer.pipelining.variable_handles import plain


class Place(NamedTuple):
    """The device of the next variable with a name."""

    name: str | None
    device: str


def places(made: Sequence[Made], blocks: Sequence[Block], devices: Sequence[str]) -> list[Place]:
    """Returns the places of the variables in `made` that belong to a block.

    Other variables, such as those of Keras' global generator of random numbers, are created only with the first model.

    Args:
      made: variables in the order of their creation.
      blocks: the blocks of the model, one for each stage.
      devices: their devices.
    """
    owner = {
        id(plain(variable)): device
        for device, block in zip(devices, blocks, strict=True)
        for variable in block.model.weights
    }
    return [Place(one.name, owner[id(one.variable)]) for one in made if id(one.variable) in owner]


@contextlib.contextmanager
def placed(wanted: Sequence[Place]) -> Iterator[None]:
    """Returns a context in which each new variable is put on the device of the next place with its name."""
    import tensorflow as tf

    left: dict[str | None, deque[str]] = defaultdict(deque)
    for name, device in wanted:
        left[name].append(device)

    def place(create: Any, **options: Any) -> Variable:
        queue = left[options.get("name")]
        if not queue:
            return create(**options)
        with tf.device(queue.popleft()):
            return create(**options)

    with tf.variable_creator_scope(place):
        yield


def follow_variables(optimizer: Optimizer) -> None:
    """Makes an optimizer keep the slots of a variable, and compute its update, where the variable is.

    Call it before the optimizer is built.
    """
    import tensorflow as tf

    make, update = optimizer.add_variable_from_reference, optimizer.update_step

    def add_variable_from_reference(model_variable: Variable, *args: Any, **options: Any) -> Variable:
        with tf.device(model_variable.device):
            return make(model_variable, *args, **options)

    def update_step(gradient: Gradient, variable: Variable) -> None:
        with tf.device(variable.device):
            update(gradient, variable)

    optimizer.add_variable_from_reference, optimizer.update_step = add_variable_from_reference, update_step
