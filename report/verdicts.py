"""What the controls say about distillation: how much of the gap it recovered, and whether it helped.

A student that comes near its teacher proves nothing: the same student might have come as near on labels alone. So it
stands beside the same student trained on hard labels, and on the teachers' pseudo-labels, and every difference comes
with what another draw of the test split could have made of it.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT

SIGNIFICANCE = 0.05


@dataclass(frozen=True, config=STRICT)
class Interval:
    """A figure and the ends of its 95 % interval; null where they are undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, config=STRICT)
class Comparison:
    """The student against one control.

    Attributes:
      difference: the student's measure less the control's: of classes, its accuracy.
      p_value: two-sided. Where each score is 0 or 1, that of McNemar's exact test; otherwise twice the share of a
        paired bootstrap's draws that show no difference, or the opposite one.
    """

    difference: Interval
    p_value: float


@dataclass(frozen=True, config=STRICT)
class Helped:
    """Whether distillation beat the same student on hard labels: `verdict` is true where that is significant."""

    verdict: bool
    p_value: float


@dataclass(frozen=True, config=STRICT)
class Verdicts:
    """All of them; null and empty where there are no controls, or a measure is undefined.

    Attributes:
      gap_recovered: (student - hard labels) / (teacher - hard labels), in the measure; its value is null where the
        teacher is not better than the control, its ends where another draw might well have left no gap.
      distillation_helped: against the student on hard labels.
      against: the student against each control, by the control's name.
    """

    gap_recovered: Interval | None = None
    distillation_helped: Helped | None = None
    against: dict[str, Comparison] = dataclasses.field(default_factory=dict)
