"""The figure that the gate compares: how it is called, and how its values are written."""

from __future__ import annotations

from typing import Literal

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT


@dataclass(frozen=True, config=STRICT)
class Measure:
    """The mean of an objective's scores over the labelled examples; higher is better.

    Attributes:
      key: its name among the metrics of `report.json`, such as `accuracy`.
      name: what messages and pages call it.
      unit: `fraction` is written in percent, and a difference of two in points; `number` is written as it is.
        `gate.tolerance` has this unit.
    """

    key: str
    name: str
    unit: Literal["fraction", "number"]

    @property
    def title(self) -> str:
        """The name as a heading begins with it."""
        return self.name[:1].upper() + self.name[1:]

    def text(self, value: float) -> str:
        """0.975 → `97.50%`, or `0.975`."""
        return f"{value:.2%}" if self.unit == "fraction" else f"{value:.6g}"

    def distance(self, difference: float) -> str:
        """A difference without a sign of its own: 0.075 → `7.50 points`, or `0.075`."""
        return f"{difference * 100:.2f} points" if self.unit == "fraction" else f"{difference:.6g}"

    def signed(self, difference: float) -> str:
        """A difference with its sign: 0.0125 → `+1.25 points`, or `+0.0125`."""
        return f"{100 * difference:+.2f} points" if self.unit == "fraction" else f"{difference:+.6g}"

    def limit(self, tolerance: float) -> str:
        """A difference that a user wrote: 0.05 → `5 points`, or `0.05`."""
        return f"{tolerance * 100:g} points" if self.unit == "fraction" else f"{tolerance:g}"
