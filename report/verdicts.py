"""What the controls say about distillation: how much of the gap it recovered, and whether it helped.

A student that comes near its teacher proves nothing: on labels alone, it might have come as near. So the student is
compared with the same student trained on hard labels, and with one trained on the teachers' pseudo-labels. Every
difference has an interval: the differences that other draws of the test split would plausibly give.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT

SIGNIFICANCE = 0.05


@dataclass(frozen=True, config=STRICT)
class Interval:
    """A figure and its 95 % interval; null where undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, config=STRICT)
class Comparison:
    """The student against one control.

    Attributes:
      difference: the student's measure minus the control's; for classes, the measure is accuracy. Where each score is 0
        or 1, its interval is the adjusted one of Bonett and Price (2012); otherwise a paired bootstrap's.
      p_value: two-sided. Where each score is 0 or 1, it is that of McNemar's exact test; otherwise twice the share of a
        paired bootstrap's draws that show no difference, or the opposite one.
    """

    difference: Interval
    p_value: float


@dataclass(frozen=True, config=STRICT)
class Helped:
    """Whether distillation beat the same student on hard labels; `verdict` is true if the gain is significant."""

    verdict: bool
    p_value: float


@dataclass(frozen=True, config=STRICT)
class Verdicts:
    """All verdicts. They are null and empty if there are no controls, or if a measure is undefined.

    Attributes:
      gap_recovered: (student - hard labels) / (teacher - hard labels), in the measure. Its value is null if the teacher
        is not better than the control. Its ends are null if another draw might well have left no gap. It holds 0 if the
        student is not shown to differ from the control.
      distillation_helped: against the student on hard labels.
      against: the student against each control, by the control's name.
    """

    gap_recovered: Interval | None = None
    distillation_helped: Helped | None = None
    against: dict[str, Comparison] = dataclasses.field(default_factory=dict)
