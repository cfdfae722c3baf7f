"""The figure that the gate compares: its name, and how its values are written."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class Measure:
    """The statistic of an objective over the labelled examples. Higher is better.

    Attributes:
      key: its name among the metrics of `report.json`, such as `accuracy`.
      name: its name in messages and pages.
      unit: a `fraction` is written in percent, and the difference of two fractions in points. A `number` is written as
        it is. `gate.tolerance` has this unit.
      most: the largest difference of two values; None if there is none. A fraction needs none: it is 1.
    """

    key: str
    name: str
    unit: Literal["fraction", "number"]
    most: float | None = None

    @property
    def title(self) -> str:
        """The name with a capital letter, for the start of a heading."""
        return self.name[:1].upper() + self.name[1:]

    def assert_tolerance(self, tolerance: float) -> None:
        """Raises ConfigError if `gate.tolerance` is larger than any difference of two values of this measure."""
        if self.unit == "fraction" and tolerance > 1:
            raise ConfigError(
                f"gate.tolerance is a difference of {self.name}, a fraction, so it is at most 1, received "
                f"{tolerance:g}: {tolerance:g} points are {tolerance / 100:g}"
            )
        if self.most is not None and tolerance > self.most:
            raise ConfigError(
                f"gate.tolerance is a difference of {self.name}, so it is at most {self.most:g}, received {tolerance:g}"
            )

    def text(self, value: float) -> str:
        """Formats a value: 0.975 → `97.50%`, or `0.975`."""
        return f"{value:.2%}" if self.unit == "fraction" else f"{value:.6g}"

    def distance(self, difference: float) -> str:
        """Formats a difference without adding a sign: 0.075 → `7.50 points`, or `0.075`."""
        return f"{difference * 100:.2f} points" if self.unit == "fraction" else f"{difference:.6g}"

    def signed(self, difference: float) -> str:
        """Formats a difference with its sign: 0.0125 → `+1.25 points`, or `+0.0125`."""
        return f"{100 * difference:+.2f} points" if self.unit == "fraction" else f"{difference:+.6g}"

    def limit(self, tolerance: float) -> str:
        """Formats a difference as a user writes it, with its unit: 0.05 → `5 points`, or `0.05 in AUC`."""
        return f"{tolerance * 100:g} points" if self.unit == "fraction" else f"{tolerance:g} in {self.name}"
