"""Tests whether a mean difference over the same examples is above 0. The test is valid for few examples, too.

A difference that exceeds its standard error is no proof. A candidate that wins 3 of 114 examples, and loses none, is
1.7 standard errors ahead, but a fair coin wins three times in a row once in eight. And a mean loss may depend on one
example with a very wrong answer.

Here the sign of each difference is flipped at random. If neither student is better, the difference of an example is as
likely as its opposite, so the sum that was observed is one of the sums of flipped differences. The p-value is the share
of these sums that are at least as large. If few examples differ, every way to flip their signs is tried. This is
Fisher's randomisation test for pairs (1935, "The design of experiments", section 21). For right and wrong it is
McNemar's exact test with one side. For a loss it is exact if differences are symmetric around 0, and nearly so for many
examples if they are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]

_DRAWS = 10_000
# With more examples, sums over this many groups of examples are used. They tell as much, and take less time.
_MOST = 2_000
# Sums that are equal but for rounding count as equal.
_ROUNDING = 1e-9
_SEED, _PARTS = 0, 20


def p_value(differences: Array) -> float:
    """Returns the p-value of the hypothesis that the mean difference is not above 0.

    It is above 0 in any case, because the observed signs count as one of the draws (Phipson and Smyth, 2010,
    "Permutation p-values should never be zero", Statistical Applications in Genetics and Molecular Biology 9(1)). The
    same differences give the same p-value.

    Args:
      differences: float64 `[examples]`, of the better student minus the other.
    """
    import numpy as np

    # Differences of 0 are left out, because flipping their sign changes nothing.
    told = differences[differences != 0]
    if not len(told):
        return 1.0
    if len(told) > _MOST:
        told = np.add.reduceat(told, np.linspace(0, len(told), _MOST, endpoint=False).astype(int))
    kept = _kept(len(told))
    # A sum with flipped signs is twice the sum of the values that keep their sign, minus the sum of all values. So it
    # reaches the observed sum exactly if the values that keep their sign sum to at least the sum of all.
    least = told.sum() - _ROUNDING * np.abs(told).sum()
    as_large = 0
    # Only a few draws at a time are unpacked into numbers, which saves memory.
    for some in np.array_split(kept, _PARTS):
        sums = np.unpackbits(some, axis=1, count=len(told)).astype(np.float64) @ told
        as_large += int((sums >= least).sum())
    return as_large / len(kept)


def _kept(count: int) -> npt.NDArray[np.uint8]:
    """Returns which of `count` differences keep their sign in each draw, as bits `[draws, bytes]`.

    One draw keeps all signs. If there are no more ways to flip the signs than draws, each way is drawn once.
    """
    import numpy as np

    if 2**count <= _DRAWS:
        every = np.arange(2**count, dtype=">u2") << (16 - count)
        return every.astype(">u2").view(np.uint8).reshape(-1, 2)
    found = np.random.default_rng(_SEED).integers(0, 256, [_DRAWS, -(-count // 8)], np.uint8)
    found[0] = 255
    return found
