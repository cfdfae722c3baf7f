"""Finds the largest number for which something holds, with as few trials as can be: each trial is a training."""

from __future__ import annotations

from collections.abc import Callable


def largest(holds: Callable[[int], bool], first: int, step: int = 1) -> int:
    """Returns the largest multiple of `step` for which `holds`; 0 if it holds for none.

    If it holds for a number, it holds for each smaller one.

    Args:
      holds: tries a number.
      first: the number that is tried first, a guess.
      step: the numbers that are tried are its multiples.
    """
    low, high = 0, max(1, first // step)
    while holds(high * step):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle * step) else (low, middle)
    return low * step
