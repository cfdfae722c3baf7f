"""Says in words what distillation did, for the page, the terminal and the advice. So all three say the same."""

from __future__ import annotations

import enum

from limbeck.models import HARD_LABELS, TEACHER
from limbeck.report import figures
from limbeck.report.names import full
from limbeck.report.schema import Report, measured
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


def gap_shown(report: Report) -> Interval | None:
    """Returns the share of the gap that was recovered; None if no gap is shown, or if nothing is known of it.

    An end of the interval is null if more than one draw of the test split in forty leaves no gap: the interval of the
    gap itself then holds 0. A share of such a gap is a division by about nothing, and says -602 % as easily as 340 %.
    """
    gap = report.gap_recovered
    return None if gap is None or None in (gap.value, gap.low, gap.high) else gap


def no_gap_words(report: Report) -> str:
    """Returns a sentence with both figures on why there is no gap to recover, without its subject's capital letter."""
    teacher, control = (
        figures.measured(measured(report, name), report.measure) for name in (TEACHER, HARD_LABELS)
    )
    beside = f"the teacher has {teacher}, and the {full(HARD_LABELS)} {control}"
    if report.gap_recovered is None or report.gap_recovered.value is None:
        return f"the teacher is not better: {beside}"
    return f"chance alone may explain what lies between them: {beside}"


def gap_words(report: Report) -> str | None:
    """Returns a sentence on how much of the gap was recovered; None if nothing is known of it."""
    if report.gap_recovered is None:
        return None
    gap = gap_shown(report)
    if gap is None:
        return f"no gap to recover: {no_gap_words(report)}"
    value, sure = figures.percent(gap.value, 0), f"95 % interval {figures.percent_range(gap)}"
    return f"{value} of the gap from the {full(HARD_LABELS)} to the teacher was recovered ({sure})"
