"""A student that is trained beside its teachers, which are called at each step.

There are two reasons to call the teachers at each step: their layers are compared with the student's layers, or their
answers are needed for inputs without stored soft targets.

The usual way is a Keras model that holds both. Then the teacher is among its weights: in its checkpoints, in its
export, and in the norm of its gradients. Here a plain object holds student, projections and teacher. It has those
attributes of a model that the training reads. They contain the weights of the student, and then those of the
projections, but not the teacher. The export takes only the student.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from limbeck.aliases import Features, KerasModel, Strategy, Tensor, Variable
from limbeck.errors import TaskError, nearest
from limbeck.trainer.distillation.transfer.kind import LayerPair, Observed
from limbeck.trainer.distillation.transfer.registry import TRANSFERS

# The axes for the batch and the width.
_LEAST_RANK = 2
Hints = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True, eq=False)
class Watched:
    """Layers of a student, and those of its teacher that they are compared with.

    Attributes:
      student: the student's outputs, and the outputs of its layers, with the same weights as the student.
      teacher: the outputs of the teacher's layers.
      projections: for each pair of layers, the layer that maps the student's width to the teacher's, or None.
    """

    student: KerasModel
    teacher: KerasModel
    projections: tuple[Any, ...]

    def __call__(self, inputs: Features, training: bool) -> tuple[Tensor, tuple[LayerPair, ...]]:
        """Returns the logits of the student, and the pairs of layers. No gradient flows to the teacher."""
        return self.compared(inputs, self.student(inputs, training=training))

    def compared(self, inputs: Features, outputs: Sequence[Tensor]) -> tuple[Tensor, tuple[LayerPair, ...]]:
        """Returns the same as a call, from the outputs of `student`."""
        import tensorflow as tf

        logits, *mine = outputs
        theirs = tf.nest.flatten(self.teacher(inputs, training=False))
        pairs = []
        for own, taught, projection in zip(mine, theirs, self.projections, strict=True):
            masks = (getattr(one, "_keras_mask", None) for one in (own, taught))
            mask = next((one for one in masks if one is not None), None)
            projected = own if projection is None else projection(own)
            pairs.append(LayerPair(own, projected, tf.stop_gradient(taught), mask))
        return logits, tuple(pairs)


@dataclasses.dataclass(frozen=True, eq=False)
class Student:
    """A student together with its teachers. It is trained like a tf_keras model: inputs by name -> `Observed`.

    Teachers are called with `training=False`, and are not trained.

    Attributes:
      model: the student.
      watched: the layers that are compared; None: no layers are compared.
      teachers: the teachers to ask at each step; empty: stored answers are used.
    """

    model: KerasModel
    watched: Watched | None = None
    teachers: tuple[KerasModel, ...] = ()

    def __post_init__(self) -> None:
        """Freezes the teachers."""
        for teacher in self.teachers:
            teacher.trainable = False

    def __call__(self, inputs: Features, training: bool = False) -> Observed:
        """Returns the logits of the student, the layers of both models, and the answers of the teachers."""
        import tensorflow as tf

        return self.observed(inputs, tf.nest.flatten(self.network(inputs, training=training)))

    @property
    def network(self) -> KerasModel:
        """The Keras model that is called: the student, with the outputs of the layers that are compared."""
        return self.model if self.watched is None else self.watched.student

    def observed(self, inputs: Features, outputs: Sequence[Tensor]) -> Observed:
        """Returns the same as a call, from the outputs of `network` for these inputs."""
        import tensorflow as tf

        seen = Observed(outputs[0]) if self.watched is None else Observed(*self.watched.compared(inputs, outputs))
        if not self.teachers:
            return seen
        answers = [tf.cast(teacher(inputs, training=False), tf.float32) for teacher in self.teachers]
        return seen._replace(teacher_outputs=tf.stop_gradient(tf.stack(answers, axis=1)))

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables of the student, and then those of the projections."""
        return [*self.model.trainable_variables, *self._projected()]

    @property
    def weights(self) -> list[Variable]:
        """The weights that a checkpoint holds, in the same order."""
        return [*self.model.weights, *self._projected()]

    @property
    def losses(self) -> list[Tensor]:
        """The terms that the student model itself adds to the loss."""
        return list(self.model.losses)

    @property
    def distribute_strategy(self) -> Strategy:
        """The strategy of the student."""
        return self.model.distribute_strategy

    def _projected(self) -> list[Variable]:
        made = () if self.watched is None else self.watched.projections
        return [variable for one in made if one is not None for variable in one.trainable_variables]


def watching(model: KerasModel, teacher: KerasModel, hints: Hints, wanted: Sequence[str], who: str) -> Watched:
    """Returns the layers of a student and of its teacher that are compared. Call it in the strategy's scope.

    Args:
      model: the student.
      teacher: its teacher, with its final weights. It gets frozen.
      hints: pairs of names: a layer of the teacher, a layer of the student.
      wanted: names of the transfer objectives that compare them.
      who: the task in words.

    Raises:
      TaskError: if a layer does not exist, or cannot be compared.
    """
    import tf_keras

    teacher.trainable = False
    theirs = [_output(teacher, name, f"the teacher of {who}") for name, _ in hints]
    mine = [_output(model, name, f"the student of {who}") for _, name in hints]
    projections = []
    for (its_name, own_name), taught, own in zip(hints, theirs, mine, strict=True):
        pair = f"the hint ('{its_name}', '{own_name}') of {who}"
        for name in wanted:
            _assert_comparable(name, taught.shape, own.shape, pair)
        project = any(TRANSFERS[name].projected for name in wanted) and own.shape[-1] != taught.shape[-1]
        projections.append(_projection(own.shape, taught.shape[-1]) if project else None)
    return Watched(
        tf_keras.Model(model.input, [model.output, *mine]),
        tf_keras.Model(teacher.input, theirs),
        tuple(projections),
    )


def _output(model: KerasModel, name: str, who: str) -> Any:
    """Returns the symbolic output of a layer within a functional model."""
    rule = "the layers that hints name must be "
    if not getattr(model, "_is_graph_network", False):
        raise TaskError(
            f"{rule}layers of a functional model or a Sequential, but {who} is a subclass of tf_keras.Model, whose "
            "layers return nothing that can be seen from outside: build it from tf_keras.Input"
        )
    if any(type(layer).__name__ == "AddLoss" for layer in model.layers):
        raise TaskError(
            f"{who} has a loss of its own by model.add_loss(), which is lost where its layers are compared: call "
            "add_loss() within a layer"
        )
    # `layer.output` is not used, because the output of a nested model would belong to the nested model's own graph.
    nodes = [node for some in model._nodes_by_depth.values() for node in some if not node.is_input]
    places: dict[str, list[Any]] = {}
    for node in nodes:
        places.setdefault(node.layer.name, []).append(node)
    if name not in places:
        raise TaskError(
            f"{rule}layers of the models, but {who} has no layer '{name}'.{nearest(name, places)} "
            f"It has: {', '.join(sorted(places))}"
        )
    if len(places[name]) > 1:
        raise TaskError(
            f"{rule}called once, but {who} calls '{name}' {len(places[name])} times: name another layer"
        )
    output = places[name][0].outputs
    if isinstance(output, list | tuple | dict):
        raise TaskError(f"{rule}layers that return one tensor, but '{name}' of {who} returns several")
    rank = output.shape.rank
    if rank is None or rank < _LEAST_RANK or output.shape[-1] is None or not output.dtype.is_floating:
        raise TaskError(
            f"{rule}layers that return numbers [batch, ..., width] of a known width, but '{name}' of {who} returns "
            f"{_words(output.shape)} of {output.dtype.name}"
        )
    return output


def _assert_comparable(name: str, taught: Any, own: Any, pair: str) -> None:
    """Raises TaskError if a transfer objective cannot compare layers of these shapes."""
    transfer = TRANSFERS[name]
    shapes = f"{_words(taught)} and {_words(own)}"
    positions = transfer.projected or transfer.positions
    if positions and (taught.rank != own.rank or not taught[1:-1].is_compatible_with(own[1:-1])):
        raise TaskError(
            f"distillation.{name}_weight compares layers position by position, so {pair} must be of layers whose "
            f"shapes differ in the last axis alone, but they are {shapes}: name other layers"
        )
    if transfer.positions and taught.rank == _LEAST_RANK:
        raise TaskError(
            f"distillation.{name}_weight compares where layers are active, so {pair} must be of layers "
            f"[batch, positions, ..., channels], but they are {shapes}: name other layers, or use "
            "distillation.hint_weight"
        )


def _projection(own: Any, width: int) -> Any:
    """Returns a new linear layer without bias that works at each position. It computes in the policy of Keras."""
    import tf_keras

    layer = tf_keras.layers.Dense(int(width), use_bias=False, name="projection")
    layer.build(own)
    return layer


def _words(shape: Any) -> str:
    return "[" + ", ".join(["batch", *("any" if size is None else str(size) for size in shape[1:])]) + "]"
