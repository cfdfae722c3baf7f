"""Cuts weights into the shards of large variables, and puts them together again.

With partitioned variables, `model.get_weights()` returns shards, one after the other. Other code must not see these
shards: the exported model has whole weights, and the initial weights are the same as under any other strategy.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def cut(weights: Iterable[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Returns the weights as arrays of these shapes. Shards are cut along the first axis."""
    wanted, found = list(shapes), []
    for weight in weights:
        begin = 0
        while True:
            shape = wanted.pop(0)
            if shape == weight.shape:
                found.append(weight)
                break
            found.append(weight[begin : begin + shape[0]])
            begin += shape[0]
            if begin >= len(weight):
                break
    return found


def whole(shards: Iterable[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Joins shards that `cut` returned. Returns weights of these shapes."""
    left, found = list(shards), []
    for shape in shapes:
        parts = [left.pop(0)]
        while parts[0].shape != shape and sum(map(len, parts)) < shape[0]:
            parts.append(left.pop(0))
        found.append(parts[0] if len(parts) == 1 else np.concatenate(parts))
    return found
