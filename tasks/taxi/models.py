"""The teacher, a deep and cross network with a wide part, and the student, one small hidden layer.

The teacher has three paths from the features to its logit (the parallel form of DCN-V2, Wang et al., 2021,
arXiv:2008.13535, with the wide part of Cheng et al., 2016, arXiv:1606.07792): cross layers learn products of features,
dense layers learn the rest, and a linear path remembers single values, such as a company that never has card trips.

The student has no products and small embeddings. It is meant for a machine without an accelerator.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tf_keras

from limbeck import Hyperparameters
from limbeck.layers.dropout import Dropout
from limbeck.tabular.piecewise_linear import PiecewiseLinear
from limbeck.tasks.taxi.cross import Cross
from limbeck.tasks.taxi.preprocessing import TRIP, VOCABULARIES


def build_teacher(hyperparameters: Hyperparameters) -> Any:
    """Builds the deep and cross network.

    Hyperparameters: `bins` of each number, `embedding` (numbers for each category), `crosses` (cross layers) of `rank`,
    `units` of the first dense layer (the second has half), and `dropout` behind each of them.
    """
    bins, embedding = int(hyperparameters.get("bins", 16)), int(hyperparameters.get("embedding", 8))
    units, dropout = int(hyperparameters.get("units", 128)), float(hyperparameters.get("dropout", 0.3))
    inputs = _inputs()
    linear = _numbers(inputs["numbers"], bins)
    features = tf_keras.layers.Concatenate()([*linear, _embedded(inputs["categories"], embedding)])
    crossed = features
    for _ in range(int(hyperparameters.get("crosses", 2))):
        crossed = Cross(int(hyperparameters.get("rank", 16)))([features, crossed])
    deep = features
    for size in (units, units // 2):
        deep = Dropout(dropout)(tf_keras.layers.Dense(size, activation="relu")(deep))
    wide = [*linear, _embedded(inputs["categories"], 1)]
    return tf_keras.Model(inputs, _logit([crossed, deep, *wide]))


def build_student(hyperparameters: Hyperparameters) -> Any:
    """Builds one hidden layer of `units`, on `bins` of each number and an `embedding` of each category."""
    bins, embedding = int(hyperparameters.get("bins", 8)), int(hyperparameters.get("embedding", 2))
    inputs = _inputs()
    features = [*_numbers(inputs["numbers"], bins), _embedded(inputs["categories"], embedding)]
    hidden = tf_keras.layers.Concatenate()(features)
    hidden = tf_keras.layers.Dense(int(hyperparameters.get("units", 16)), activation="relu")(hidden)
    return tf_keras.Model(inputs, _logit([hidden]))


def _inputs() -> dict[str, Any]:
    return {
        "numbers": tf_keras.Input([len(TRIP.numbers), 3], name="numbers"),
        "categories": tf_keras.Input([len(VOCABULARIES)], dtype="int64", name="categories"),
    }


def _numbers(described: Any, bins: int) -> list[Any]:
    """Returns distances, gaps and places in bins, each `[batch, any]`."""
    distance, place, gap = described[:, :, 0], described[:, :, 1], described[:, :, 2]
    return [distance, gap, PiecewiseLinear(bins)(place)]


def _embedded(categories: Any, size: int) -> Any:
    """Returns `[batch, columns * size]`. One table holds the rows of all columns, one column after the other."""
    first_rows = np.cumsum([0, *VOCABULARIES[:-1]])
    return tf_keras.layers.Flatten()(tf_keras.layers.Embedding(sum(VOCABULARIES), size)(categories + first_rows))


def _logit(parts: list[Any]) -> Any:
    joined = tf_keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    return tf_keras.layers.Dense(1, name="logit")(joined)
