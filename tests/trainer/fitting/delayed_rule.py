"""NumPy's own training with delayed weights: a chain of layers tanh(x W + b), their gradients by hand, in float64.

Layer l of K is a stage of its own. At update t it gets the gradient of batch t, of the weights that it had `delays[l]`
updates before, and those of its first weights while there were none. The gradient of a layer goes through the older
weights of the layers behind it, as it came.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
# Takes a gradient and the number of the update, from 0, and returns what is added to the weights.
Rule = Callable[[Array, int], Array]


def sgd(rate: float) -> Rule:
    return lambda gradient, _: -rate * gradient


def momentum(rate: float, decay: float) -> Rule:
    velocity: Any = 0.0

    def update(gradient: Array, _: int) -> Array:
        nonlocal velocity
        velocity = decay * velocity - rate * gradient
        return velocity

    return update


def adam(rate: Callable[[int], float], one: float = 0.9, two: float = 0.999, epsilon: float = 1e-7) -> Rule:
    mean: Any = 0.0
    square: Any = 0.0
    # Keras raises these to a power as float32, also where a model is float64.
    powers = float(np.float32(one)), float(np.float32(two))

    def update(gradient: Array, number: int) -> Array:
        nonlocal mean, square
        mean = one * mean + (1 - one) * gradient
        square = two * square + (1 - two) * gradient**2
        step = rate(number) * np.sqrt(1 - powers[1] ** (number + 1)) / (1 - powers[0] ** (number + 1))
        return -step * mean / (np.sqrt(square) + epsilon)

    return update


def train(
    weights: Sequence[tuple[Array, Array]],
    delays: Sequence[int],
    batches: Sequence[tuple[Array, npt.NDArray[np.int64]]],
    rule: Callable[[], Rule],
) -> list[tuple[Array, Array]]:
    """Returns the weights after one update for each batch of `(x, labels)`; the loss is the mean log loss."""
    versions = [[pair] for pair in weights]
    rules = [(rule(), rule()) for _ in weights]
    for number, (x, labels) in enumerate(batches):
        used = [versions[at][max(0, number - delay)] for at, delay in enumerate(delays)]
        for at, found in enumerate(gradients(used, x, labels)):
            newest = versions[at][-1]
            versions[at].append(
                tuple(one + own(g, number) for one, own, g in zip(newest, rules[at], found, strict=True))
            )
    return [version[-1] for version in versions]


def gradients(
    weights: Sequence[tuple[Array, Array]], x: Array, labels: npt.NDArray[np.int64]
) -> list[tuple[Array, Array]]:
    """Returns the gradients of each layer. The last one has no tanh: its values are logits."""
    values = [x]
    for at, (kernel, bias) in enumerate(weights):
        made = values[-1] @ kernel + bias
        values.append(np.tanh(made) if at < len(weights) - 1 else made)
    shifted = np.exp(values[-1] - values[-1].max(axis=1, keepdims=True))
    upper = shifted / shifted.sum(axis=1, keepdims=True)
    upper[np.arange(len(labels)), labels] -= 1
    upper /= len(labels)
    found = []
    for at in reversed(range(len(weights))):
        if at < len(weights) - 1:
            upper = upper * (1 - values[at + 1] ** 2)
        found.append((values[at].T @ upper, upper.sum(axis=0)))
        upper = upper @ weights[at][0].T
    return found[::-1]
