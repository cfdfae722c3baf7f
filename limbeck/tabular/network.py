"""The network for the inputs of `Table.preprocess`: encodings side by side, then hidden layers."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from limbeck.aliases import KerasModel
from limbeck.errors import TaskError, nearest
from limbeck.settings.fields import Scalar
from limbeck.tabular.scale import LOGITS, Scale


@dataclasses.dataclass(frozen=True)
class Size:
    """The size of a network.

    Attributes:
      units: units of each hidden layer.
      layers: hidden layers.
      bins: bins for each number.
      embedding: numbers that stand for one category.
      dropout: share of the units of each hidden layer that a training step drops.
    """

    units: int
    layers: int
    bins: int
    embedding: int
    dropout: float

    @classmethod
    def of(cls, defaults: Size, received: Mapping[str, Scalar]) -> Size:
        """Lays hyperparameters over defaults. Raises TaskError for a name or a value that a network cannot have."""
        kinds = {field.name: float if field.name == "dropout" else int for field in dataclasses.fields(cls)}
        for name, value in received.items():
            if name not in kinds:
                raise TaskError(
                    f"the network of a table has no hyperparameter '{name}'.{nearest(name, kinds)} "
                    f"It has: {', '.join(kinds)}"
                )
            if isinstance(value, bool | str) or value != kinds[name](value) or value < 0:
                raise TaskError(
                    f"hyperparameter '{name}' of the network of a table is {value!r}: give a number from 0"
                )
        laid_over: dict[str, Any] = {name: kinds[name](value) for name, value in received.items()}
        return dataclasses.replace(defaults, **laid_over)


TEACHER = Size(units=256, layers=2, bins=16, embedding=8, dropout=0.2)
STUDENT = Size(units=64, layers=1, bins=8, embedding=4, dropout=0.0)


def build(numbers: int, vocabularies: Sequence[int], outputs: int, size: Size, answers: Scale) -> KerasModel:
    """Builds an uncompiled tf_keras model.

    Args:
      numbers: columns of numbers; 0 if there is no such input.
      vocabularies: for each column of categories, how many values have a place of their own.
      outputs: length of the last axis of the output, float32 `[batch, outputs]`.
      size: the size.
      answers: scale of the output.
    """
    import tf_keras

    from limbeck.layers.dropout import Dropout

    inputs: dict[str, Any] = {}
    encoded: list[Any] = []
    if numbers:
        inputs["numbers"] = tf_keras.Input([numbers, 3], name="numbers")
        encoded += _of_numbers(inputs["numbers"], size.bins)
    if vocabularies:
        inputs["categories"] = tf_keras.Input([len(vocabularies)], dtype="int64", name="categories")
        encoded.append(_of_categories(inputs["categories"], vocabularies, size.embedding))
    hidden = tf_keras.layers.Concatenate()(encoded) if len(encoded) > 1 else encoded[0]
    for _ in range(size.layers):
        hidden = tf_keras.layers.Dense(size.units, activation="relu")(hidden)
        if size.dropout:
            hidden = Dropout(size.dropout)(hidden)
    answered = tf_keras.layers.Dense(outputs)(hidden)
    if answers != LOGITS:
        answered = tf_keras.layers.Rescaling(answers.deviation, answers.mean)(answered)
    return tf_keras.Model(inputs, answered)


def _of_numbers(described: Any, bins: int) -> list[Any]:
    from limbeck.tabular.piecewise_linear import PiecewiseLinear

    distance, place, gap = described[:, :, 0], described[:, :, 1], described[:, :, 2]
    return [distance, gap, *([PiecewiseLinear(bins)(place)] if bins else [])]


def _of_categories(places: Any, vocabularies: Sequence[int], embedding: int) -> Any:
    import numpy as np
    import tf_keras

    # One table for all columns: those of a column begin where those before it end.
    sizes = [values + 1 for values in vocabularies]
    begins = np.cumsum([0, *sizes[:-1]])
    rows = tf_keras.layers.Embedding(sum(sizes), max(embedding, 1))(places + begins)
    return tf_keras.layers.Flatten()(rows)
