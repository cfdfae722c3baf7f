"""Maps values to positions, and finds round values for an axis.

A range cut into equal parts gives ticks such as 0.9137. On a logarithmic axis, readers do not even expect equal parts.
So ticks are multiples of 1, 2, 2.5 or 5 times a power of ten, or powers of ten and round values between them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable

_EVEN_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_WITHIN_DECADE = ((1.0, 1.5, 2.0, 3.0, 5.0, 7.0), (1.0, 2.0, 5.0), (1.0, 3.0), (1.0,))
_FEW = 2


@dataclasses.dataclass(frozen=True)
class Scale:
    """Maps `low..high` to `start..end`. A logarithmic scale takes positive values only."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def __call__(self, value: float) -> float:
        """Returns the position of a value."""
        low, high, here = self.low, self.high, value
        if self.logarithmic:
            low, high, here = math.log(low), math.log(high), math.log(here)
        return self.start + (here - low) / (high - low) * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Returns whether a value lies in the range."""
        return self.low <= value <= self.high

    def ticks(self, about: int) -> tuple[float, ...]:
        """Returns about `about` round values in the range."""
        return (
            logarithmic_ticks(self.low, self.high, about)
            if self.logarithmic
            else ticks(self.low, self.high, about)
        )


def linear(values: Iterable[float], start: float, end: float, margin: float = 0.08) -> Scale:
    """Returns a scale that holds all `values` (at least one). The margin is a share of their range."""
    known = tuple(values)
    low, high = min(known), max(known)
    # Equal values get a range too.
    pad = margin * (high - low) or 0.05 * abs(high) or 1.0
    return Scale(low - pad, high + pad, start, end)


def logarithmic(values: Iterable[float], start: float, end: float, margin: float = 0.08) -> Scale:
    """Returns a logarithmic scale for positive values, as `linear` does."""
    known = tuple(values)
    low, high = min(known), max(known)
    pad = (high / low) ** margin if high > low * (1 + 1e-9) else 2.0
    return Scale(low / pad, high * pad, start, end, logarithmic=True)


def ticks(low: float, high: float, about: int) -> tuple[float, ...]:
    """Returns multiples of a round step within `low..high`: `about` (at least 3), or up to half more or fewer."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = min((one * power for one in _EVEN_STEPS), key=lambda one: abs(math.log(one / rough)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    digits = 2 - math.floor(math.log10(step))
    found = (round(index * step, digits) + 0.0 for index in range(first, last + 1))
    return tuple(min(max(value, low), high) for value in found)


def logarithmic_ticks(low: float, high: float, about: int) -> tuple[float, ...]:
    """Returns powers of ten within `low..high`, and as many round values between them as `about` allows.

    A range that holds hardly any of them gets the ticks of a linear scale.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for between in _WITHIN_DECADE:
        found = tuple(
            value
            for power in range(first, last + 1)
            for value in (float(f"{one:g}e{power}") for one in between)
            if low <= value <= high
        )
        if len(found) <= about:
            return found if len(found) >= _FEW else ticks(low, high, about)
    every = math.ceil(len(found) / about)
    return found[::every]
