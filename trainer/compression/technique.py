"""The interface of a compression technique, and the layers that it can be applied to.

tensorflow-model-optimization wraps the layers of a model, and the wrapped model is then trained. It wraps layers by
reference, so wrapping would change the student itself. And it fails for the whole model if there is a single layer that
it does not support. Here a copy of the student is wrapped, layer by layer. A layer with weights that cannot be wrapped
stays unchanged, and is reported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Protocol

from limbeck import task_code
from limbeck.aliases import KerasModel, Layer
from limbeck.errors import TaskError
from limbeck.settings.compression import CompressionConfig

# The advice for a student that cannot be wrapped.
REMEDY = "set compression.recipe to one that trains nothing (int8, float16, dynamic_range)"


@dataclasses.dataclass(frozen=True)
class Stage:
    """The position of a technique in its chain.

    Attributes:
      config: the settings.
      steps: optimizer steps of the training with this technique.
      pruned: whether the weights that are 0 must stay 0.
      clustered: whether weights that are equal must stay equal.
      who: the student in words, for messages.
    """

    config: CompressionConfig
    steps: int
    pruned: bool
    clustered: bool
    who: str


class Technique(Protocol):
    """One technique: a module of this package that recipes name."""

    def check(self, model: KerasModel, stage: Stage) -> None:
        """Raises TaskError if no part of the model can be wrapped. It is called before any training."""

    def wrap(self, model: KerasModel, stage: Stage) -> KerasModel:
        """Returns a copy of `model`, wrapped for training. The copy has the same inputs and output."""

    def strip(self, model: KerasModel, stage: Stage) -> KerasModel:
        """Returns a trained wrapped model in the form that the next technique or the converter takes."""

    def remark(self, model: KerasModel, stage: Stage) -> str:
        """Returns a sentence on what the technique did to a model, before it is wrapped."""


def wrapped(
    model: KerasModel, wrap: Callable[[Layer], Layer], wanted: Callable[[Layer], bool], who: str
) -> KerasModel:
    """Returns a copy of a functional model with its own weights and with some layers wrapped.

    Args:
      model: the model.
      wrap: is called for each layer that is `wanted`.
      wanted: returns whether a layer is to be wrapped.
      who: the student in words, for the message.

    Raises:
      TaskError: if a layer of the task cannot be copied.
    """
    import tf_keras

    def each(layer: Layer) -> Layer:
        return wrap(layer) if wanted(layer) else layer

    with task_code.guarded(f"{who} cannot be copied, so give each layer of the task a get_config"):
        copy = tf_keras.models.clone_model(model)
        copy.set_weights(model.get_weights())
    # The layers of the copy may be wrapped by reference, because no other model uses them.
    return tf_keras.models.clone_model(copy, clone_function=each)


def assert_wrappable(model: KerasModel, wanted: Callable[[Layer], bool], what: str, who: str) -> None:
    """Raises TaskError if a technique can be applied to no layer of a model, or not to a model of this kind.

    Args:
      model: the student.
      wanted: returns whether the technique can be applied to a layer.
      what: the technique in words, such as `be pruned`.
      who: the student in words.
    """
    import tf_keras

    if not getattr(model, "_is_graph_network", False):
        raise TaskError(
            f"{who} cannot {what}: it is a subclass of tf_keras.Model, and only functional and sequential models can "
            f"be wrapped layer by layer. Build it as tf_keras.Model(inputs, outputs), or {REMEDY}"
        )
    nested = [layer.name for layer in model.layers if isinstance(layer, tf_keras.Model)]
    if nested:
        raise TaskError(
            f"{who} cannot {what}: it holds the model '{nested[0]}' as a layer. Build its layers into the student, or "
            f"{REMEDY}"
        )
    if not any(map(wanted, model.layers)):
        kinds = sorted({type(layer).__name__ for layer in model.layers if layer.weights})
        raise TaskError(
            f"{who} cannot {what}: none of its layers with weights ({', '.join(kinds)}) can be. Build it from Dense or "
            f"Conv layers of tf_keras, or {REMEDY}"
        )
    wrapped(model, lambda layer: layer, wanted, who)


def left(model: KerasModel, wanted: Callable[[Layer], bool]) -> str:
    """Returns the layers with weights that are not `wanted`, as a sentence; empty if there are none."""
    names = [
        f"{layer.name} ({type(layer).__name__})" for layer in model.layers if layer.weights and not wanted(layer)
    ]
    return f" These layers were left as they were: {', '.join(names)}." if names else ""


def is_one_of(*kinds: str) -> Callable[[Any], bool]:
    """Returns a function that tells whether a layer is of one of these classes of tf_keras, and of no subclass."""

    def wanted(layer: Any) -> bool:
        import tf_keras

        return any(type(layer) is getattr(tf_keras.layers, kind) for kind in kinds)

    return wanted
