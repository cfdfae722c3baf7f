"""Finds the highest rate that a server bears. Pure: whoever calls it measures."""

from __future__ import annotations

from collections.abc import Callable


def highest_rate(holds: Callable[[float], bool], first: float, step: float, precision: float) -> float:
    """Returns a rate that holds, and of which at most `1 + precision` times as much does not.

    It goes up from the first rate, or down, until one rate holds and the next does not. The factor is squared for each
    further move, so a first rate that is far off costs few measurements. Then it tries the geometric mean of both,
    again and again. It returns 0 if even a hundredth of the first rate does not hold.

    Args:
      holds: tells whether a rate holds, and whether lower rates do.
      first: the rate to begin with, in requests a second.
      step: the factor, above 1.
      precision: above 0.

    Raises:
      ValueError: if an argument is out of its range.
    """
    if first <= 0 or step <= 1 or precision <= 0:
        raise ValueError(
            f"first and precision must be above 0 and step above 1; received {first}, {precision}, {step}"
        )
    low, high, factor = first, first, step
    if holds(first):
        while holds(high := low * factor):
            low, factor = high, factor**2
    else:
        while not holds(low := high / factor):
            high, factor = low, factor**2
            if low < first / 100:
                return 0.0
    while high / low > 1 + precision:
        middle = (low * high) ** 0.5
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low
