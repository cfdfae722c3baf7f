"""The model that is tried before a training: as a whole, or one block after the other.

A model in stages may be larger than the memory of the process that tries it. So a sketch is used there. It is traced as
a whole, which needs no memory for weights, and is computed block by block.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from limbeck.aliases import Features, KerasModel, Tensor
from limbeck.trainer.pipelining import sketch
from limbeck.trainer.pipelining.blocks import blocks_of
from limbeck.trainer.session import pipelined
from limbeck.trainer.session.models import build_model, input_types
from limbeck.trainer.session.session import Session
from limbeck.trainer.session.sketches import Sketch, sketch_of


class TriedModel(Protocol):
    """The operations that the preflight needs of a model."""

    @property
    def model(self) -> KerasModel:
        """The model, with its layers and variables. It may have no memory for weights."""

    def again(self) -> KerasModel:
        """Builds the model once more. Errors are those of `build_model`."""

    def outputs(self, given: Features) -> Tensor:
        """Returns the outputs for a batch, float32 `[batch, outputs]`, computed in a graph for any number of examples.

        Raises:
          ConfigError: if the model has fewer blocks than stages.
          TaskError: if it has stages and cannot be cut.
        """

    def compute_nothing(self, given: Features) -> None:
        """Computes the outputs for inputs without any example, operation by operation.

        In a graph, TensorFlow may fuse operations, and would then not show the failure of the training.
        """

    def slots(self) -> AbstractContextManager[None]:
        """Returns a context in which an optimizer can be built for the model, and a step of both can be made."""


def tried(session: Session) -> TriedModel:
    """Builds the model of the job. Errors are those of `build_model`."""
    return OneBlockAtATime(session, sketch_of(session)) if session.job.pipelining.is_on else Whole(session)


def place(session: Session) -> AbstractContextManager[Any]:
    """Returns a context for all work on the model. It avoids the devices of stages, which are too small for it."""
    import tensorflow as tf

    return tf.device("/cpu:0") if session.job.pipelining.is_on else contextlib.nullcontext()


class Whole:
    """A model that fits this process."""

    def __init__(self, session: Session) -> None:
        """Builds the model."""
        self._session, self.model = session, build_model(session)

    def again(self) -> KerasModel:
        """Builds it once more."""
        return build_model(self._session)

    def outputs(self, given: Features) -> Tensor:
        """Calls the model."""
        return _call(self.model, input_types(self._session))(given)

    def compute_nothing(self, given: Features) -> None:
        """Calls the model."""
        self.model(given, training=False)

    def slots(self) -> AbstractContextManager[None]:
        """Returns a context that changes nothing: slots have memory."""
        return contextlib.nullcontext()


@dataclasses.dataclass(frozen=True, eq=False)
class OneBlockAtATime:
    """A model in stages. Only one block has weights at any time.

    Attributes:
      session: the session of this process.
      sketch: the model.
    """

    session: Session
    sketch: Sketch

    @property
    def model(self) -> KerasModel:
        """The sketch."""
        return self.sketch.model

    def again(self) -> KerasModel:
        """Builds another sketch."""
        return sketch_of(self.session).model

    def outputs(self, given: Features) -> Tensor:
        """Traces the model, and computes it block by block."""
        import tensorflow as tf

        _call(self.model, input_types(self.session)).get_concrete_function()
        return tf.cast(self._computed(sketch.answered, given)[0], tf.float32)

    def compute_nothing(self, given: Features) -> None:
        """Computes the model block by block."""
        self._computed(sketch.answered_nothing, given)

    def slots(self) -> AbstractContextManager[None]:
        """Returns a context in which slots have no memory."""
        return sketch.slots_sketched()

    def _computed(self, compute: Callable[..., list[Tensor]], given: Features) -> list[Tensor]:
        found, cuts = pipelined.layout_and_cuts(self.session, self.model)
        inputs = self.model._flatten_to_reference_inputs(given)
        return compute(found, cuts, blocks_of(found, cuts), inputs, self.sketch.made)


def _call(model: KerasModel, types: Features) -> Any:
    """Returns the function that computes the model's outputs as float32, in a graph for any number of examples."""
    import tensorflow as tf

    @tf.function(autograph=False, input_signature=[types])
    def call(given: Features) -> Tensor:
        return tf.cast(model(given, training=False), tf.float32)

    return call
