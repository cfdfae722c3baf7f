"""Finds a signature of an external SavedModel, and passes the features that it takes to it.

Stock TFX models take serialized raw examples. A model that Keras exported takes one tensor for each of its inputs:
transformed features, often of another integer type and with a further axis of length 1. For a wrong name, TensorFlow's
message is a list of tensors. Here the message lists the names that exist.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from limbeck.aliases import Features, Tensor
from limbeck.errors import ConfigError, nearest
from limbeck.saved_teacher import SavedTeacher


@dataclasses.dataclass(frozen=True)
class Signature:
    """A signature of a loaded SavedModel.

    Attributes:
      function: the concrete function that is called.
      output: name of the output that is read.
      inputs: the tf.TensorSpec of each input, by name.
      serialized: name of the only input, if it takes serialized tf.Examples. None: each input is a feature.
    """

    function: Any
    output: str
    inputs: Mapping[str, Any]
    serialized: str | None

    def of_examples(self, examples: Tensor) -> Tensor:
        """Returns the answers to serialized tf.Examples, string `[batch]`. The signature must take these."""
        return self.function(**{str(self.serialized): examples})[self.output]

    def of_features(self, features: Features) -> Tensor:
        """Returns the answers for the features of `inputs`, each dense or sparse `[batch, ...]`."""
        return self.function(**{name: _as_taken(features[name], spec) for name, spec in self.inputs.items()})[
            self.output
        ]


def find(loaded: Any, teacher: SavedTeacher, features: Mapping[str, Any]) -> Signature:
    """Finds the signature that a teacher is declared to have.

    Args:
      loaded: what `tf.saved_model.load` returned.
      teacher: names the signature and its output.
      features: the features that the signature may take, by name; the values are not read.

    Raises:
      ConfigError: if there is no such signature or output, or if the signature takes something else.
    """
    named = _existing("signature", teacher.signature, dict(getattr(loaded, "signatures", {})))
    outputs = dict(named.structured_outputs)
    _existing(f"output of the signature '{teacher.signature}'", teacher.output, outputs)
    inputs = dict(named.structured_input_signature[1])
    taken = Signature(named, teacher.output, inputs, _serialized(inputs, features))
    _assert_any_batch(teacher, inputs)
    if taken.serialized is None:
        _assert_features(teacher, inputs, features)
    elif teacher.takes == "transformed":
        raise ConfigError(
            f"the teacher's signature '{teacher.signature}' takes serialized examples as '{taken.serialized}'; if they "
            "are raw examples, say takes='raw', and if they are transformed ones, name a signature that takes one "
            "tensor for each feature"
        )
    return taken


def _existing(what: str, name: str, known: Mapping[str, Any]) -> Any:
    if name not in known:
        had = ", ".join(f"'{one}'" for one in sorted(known)) or "none"
        raise ConfigError(f"the teacher's SavedModel has no {what} '{name}'.{nearest(name, known)} It has: {had}")
    return known[name]


def _serialized(inputs: Mapping[str, Any], features: Mapping[str, Any]) -> str | None:
    """Returns the name of the only input if it is a vector of texts and not a feature; otherwise None."""
    import tensorflow as tf

    if len(inputs) != 1:
        return None
    [(name, spec)] = inputs.items()
    return name if spec.dtype == tf.string and spec.shape.rank in (None, 1) and name not in features else None


def _assert_any_batch(teacher: SavedTeacher, inputs: Mapping[str, Any]) -> None:
    for name, spec in inputs.items():
        if spec.shape.rank == 0 or (spec.shape.rank and spec.shape[0] is not None):
            raise ConfigError(
                f"the teacher's signature '{teacher.signature}' takes '{name}' as {spec.shape}, which is not a batch "
                "of any size: export the model with a first axis of size None"
            )


def _assert_features(teacher: SavedTeacher, inputs: Mapping[str, Any], features: Mapping[str, Any]) -> None:
    unknown = sorted(set(inputs) - set(features))
    if unknown:
        other = "transformed" if teacher.takes == "raw" else "raw"
        raise ConfigError(
            f"the teacher's signature '{teacher.signature}' takes '{unknown[0]}', which is no {teacher.takes} feature."
            f"{nearest(unknown[0], features)} There are: {', '.join(sorted(features))}. If it takes {other} features, "
            f"say takes='{other}'"
        )


def _as_taken(values: Any, spec: Any) -> Tensor:
    """Returns a feature as a signature takes it: dense, in the type of `spec`, with the axes of `spec`."""
    import tensorflow as tf

    if isinstance(values, tf.sparse.SparseTensor):
        values = tf.sparse.to_dense(values)
    if values.dtype != spec.dtype:
        values = tf.cast(values, spec.dtype)
    if spec.shape.rank is None or spec.shape.rank == values.shape.rank:
        return values
    sizes = [-1 if size is None else size for size in spec.shape[1:]]
    return tf.reshape(values, [tf.shape(values)[0], *sizes])
