"""Says in words what distillation did, for the page, the terminal and the advice. So all three say the same."""

from __future__ import annotations

import enum

from limbeck.models import HARD_LABELS
from limbeck.report import figures
from limbeck.report.names import full
from limbeck.report.schema import Report
from limbeck.report.verdicts import SIGNIFICANCE, Comparison, Interval


class Gain(str, enum.Enum):
    """What distillation did, compared with the same student on hard labels."""

    HELPED = "it helped"
    NOT_SHOWN = "not shown"
    HURT = "it hurt"


def gain(report: Report) -> Gain | None:
    """Returns what distillation did; None if there is no control. A difference that chance explains is `NOT_SHOWN`."""
    helped = report.distillation_helped
    if helped is None:
        return None
    if helped.verdict:
        return Gain.HELPED
    against = report.against.get(HARD_LABELS)
    worse = against is not None and reading(against) == "worse"
    return Gain.HURT if worse else Gain.NOT_SHOWN


def reading(comparison: Comparison) -> str:
    """Returns `better`, `worse`, or `no difference shown`."""
    value = comparison.difference.value
    if value is None or value == 0 or comparison.p_value >= SIGNIFICANCE:
        return "no difference shown"
    return "better" if value > 0 else "worse"


def helped_words(report: Report) -> str | None:
    """Returns a sentence on whether distillation helped; None if there is no control."""
    said = gain(report)
    if said is None or report.distillation_helped is None:
        return None
    against = report.against.get(HARD_LABELS)
    found = [figures.p_value(report.distillation_helped.p_value)]
    if against is not None and against.difference.value is not None:
        found.insert(0, figures.measured_difference(against.difference.value, report.measure))
    beside = f"beside the same student on hard labels ({', '.join(found)})"
    if said is Gain.HELPED:
        return f"distillation helped {beside}"
    if said is Gain.HURT:
        return f"distillation did not help, it hurt: the student is worse {beside}"
    return f"distillation was not shown to help: chance alone may explain the difference {beside}"


def gap_words(gap: Interval | None) -> str | None:
    """Returns a sentence on how much of the gap was recovered; None if that is unknown."""
    if gap is None:
        return None
    control = full(HARD_LABELS)
    if gap.value is None:
        return f"no gap to recover: the teacher is not better than the {control}"
    sure = (
        "its interval is undefined: another test split might well have left no gap"
        if gap.low is None or gap.high is None
        else f"95 % interval {figures.percent_range(gap)}"
    )
    return f"{figures.percent(gap.value, 0)} of the gap from the {control} to the teacher was recovered ({sure})"
