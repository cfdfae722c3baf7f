"""Student's t distribution. The degrees of freedom are at least 1, and need not be a whole number.

The product does not depend on SciPy. With t = sqrt(freedom) * tan(angle), the density is cos(angle) ** (freedom - 1) up
to a factor, and a sum over a fine grid of angles is as good as needed.

Student (1908), "The Probable Error of a Mean", Biometrika 6(1).
"""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt

_CELLS = 20_000
# With more degrees of freedom, the normal distribution is used.
_MOST_FREEDOM = 1e5
# At this many standard deviations from the centre, the density is 0 in float64.
_FARTHEST = 40.0

Grid = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def two_sided(value: float, freedom: float) -> float:
    """Returns the probability of a value that is at least as far from 0 as `value`."""
    values, beyond = _grid(min(freedom, _MOST_FREEDOM))
    return float(np.interp(abs(value), values, beyond))


def quantile(level: float, freedom: float) -> float:
    """Returns the value that is exceeded with probability 1 - `level`, which is between 0.5 and 1."""
    values, beyond = _grid(min(freedom, _MOST_FREEDOM))
    return float(np.interp(2 * (1 - level), beyond[::-1], values[::-1]))


@functools.lru_cache(maxsize=4)
def _grid(freedom: float) -> Grid:
    """Returns values from 0 on, and for each the probability of a value farther from 0, from 1 down to 0."""
    widest = np.arctan(_FARTHEST / np.sqrt(freedom)) if freedom > _FARTHEST else np.pi / 2
    edges = np.linspace(0, widest, _CELLS)
    middles = (edges[1:] + edges[:-1]) / 2
    density = np.exp((freedom - 1) * np.log(np.cos(middles)))
    beyond = np.append(np.cumsum(density[::-1])[::-1], 0.0)
    with np.errstate(over="ignore"):
        return np.sqrt(freedom) * np.tan(edges), beyond / beyond[0]
