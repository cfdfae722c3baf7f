"""What is shown of the student: that it is hardly worse than its teacher, and whether distillation helped.

A student that comes near its teacher proves nothing: on labels alone, it might have come as near. So the student is
compared with the same student trained on hard labels, and with one trained on the teachers' pseudo-labels. Every
difference has an interval: the differences that other draws of the test split would plausibly give.
"""

from __future__ import annotations

import dataclasses
import math

from pydantic.dataclasses import dataclass

from limbeck.objectives.measure import Measure
from limbeck.records import STRICT

SIGNIFICANCE = 0.05
# The 95th percentile of the normal distribution: that of a one-sided test at the level 5 %.
ONE_SIDED_QUANTILE = 1.6448536269514722
# The 80th percentile: a test that finds in four of five cases what is there.
_POWER_QUANTILE = 0.8416212335729143


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
class NonInferiority:
    """How much worse than its teacher the student may be, on the labelled examples of the test split.

    Two figures prove little: over 50 examples, a student that is 2 points below its teacher may really be 8 points
    below. So the gate holds the lower end of an interval against its tolerance (Piaggio et al., 2012, "Reporting of
    noninferiority and equivalence randomized trials", JAMA 308(24)). The test has one side and the level 5 %, as in the
    two one-sided tests of Schuirmann (1987). For medicines, the guideline ICH E9 asks for 2.5 %.

    Attributes:
      difference: the student's measure minus the teacher's.
      low: the lower end of the one-sided 95 % interval of the difference: one test split of 20 has it above the true
        difference. Null if too many draws of the test split do not define the measure. Where each score is 0 or 1, it
        is that of Tango's score test (1998); otherwise that of a paired bootstrap.
      examples: number of labelled test examples.
    """

    difference: float
    low: float | None
    examples: int

    def shows(self, tolerance: float, measure: Measure) -> bool:
        """Returns whether the student is shown to be at most `tolerance`, in the measure's unit, below its teacher."""
        most = 1.0 if measure.unit == "fraction" else measure.most
        if most is not None and tolerance >= most:
            return True
        # Rounded, because 0.9 - 0.85 > 0.05 in binary. A bound that equals the limit is accepted.
        return self.low is not None and round(-self.low, 12) <= tolerance

    def enough(self, tolerance: float) -> int | None:
        """Returns about how many examples would show it in four of five test splits, with two digits.

        It assumes that the models go on to differ as they do here. None if the student is below the tolerance, or if
        there is no bound: then more examples of this kind would not help.
        """
        room = self.difference + tolerance
        if self.low is None or round(room, 12) <= 0:
            return None
        longer = (1 + _POWER_QUANTILE / ONE_SIDED_QUANTILE) * (self.difference - self.low) / room
        needed = self.examples * longer**2
        digits = 10 ** max(math.floor(math.log10(max(needed, 1))) - 1, 0)
        return math.ceil(needed / digits) * digits


@dataclass(frozen=True, config=STRICT)
class AcrossSeeds:
    """The student against its controls over several seeds: what can be said beyond one pair of models.

    All pairs have the same teachers and test examples. The student of the first seed is the one that is served.

    Attributes:
      seeds: number of seeds, at least 2.
      against: mean difference over the seeds by the control's name. Interval and p-value are for other seeds and other
        examples (`limbeck.components.comparison.seeds`).
      differences: the difference of each seed by the control's name, in the order of the seeds.
    """

    seeds: int
    against: dict[str, Comparison]
    differences: dict[str, tuple[float, ...]]


@dataclass(frozen=True, config=STRICT)
class TestSplit:
    """How often one test split was looked at.

    Attributes:
      digest: of the ids and labels of its examples.
      judged: number of different students that a gate judged on it, below one root: with other settings, other code, or
        another teacher. Neither the cache nor a gate with other limits adds one.
    """

    # Not a class of tests.
    __test__ = False

    digest: str
    judged: int


@dataclass(frozen=True, config=STRICT)
class Verdicts:
    """All verdicts. They are null and empty if a measure is undefined; without controls, all but the last are.

    Attributes:
      gap_recovered: (student - hard labels) / (teacher - hard labels), in the measure. Its value is null if the teacher
        is not better than the control. Its ends are null if another draw might well have left no gap. It holds 0 if the
        student is not shown to differ from the control.
      distillation_helped: against the student on hard labels.
      against: the student against each control, by the control's name.
      against_teacher: the student against the teacher, for the gate.
      across_seeds: the student against each control over several seeds; null if the run has one.
    """

    gap_recovered: Interval | None = None
    distillation_helped: Helped | None = None
    against: dict[str, Comparison] = dataclasses.field(default_factory=dict)
    against_teacher: NonInferiority | None = None
    across_seeds: AcrossSeeds | None = None
