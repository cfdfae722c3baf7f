"""Says in words what is shown of the student beside its teacher, and how often its test split was looked at."""

from __future__ import annotations

from limbeck.report import figures
from limbeck.report.schema import Report

_SPACE = "\u00a0"


def proof_words(report: Report) -> str | None:
    """Returns a sentence on how much worse than its teacher the student may be; None if that is not known."""
    found = report.against_teacher
    if found is None:
        return None
    over = f"over {figures.plural(found.examples, 'labelled test example')}"
    difference = figures.measured_difference(found.difference, report.measure)
    seen = f"the student is {difference} from its teacher {over}"
    if found.low is None:
        return f"{seen}, and what other test examples would say is unknown"
    bound = figures.measured_distance(found.low, report.measure)
    side = "at least {} better" if found.low > 0 else "at most {} worse"
    return f"{seen}: it is {side.format(bound)} (one-sided 95{_SPACE}% interval)"


def looks_words(report: Report) -> str | None:
    """Returns a sentence on how often the test split has been looked at; None if nobody kept count."""
    if report.test_split is None:
        return None
    judged = report.test_split.judged
    if judged == 1:
        return "this student is the first that was judged on this test split"
    return (
        f"{judged:,} students have been judged on this test split: the best of them is better on it than elsewhere, so "
        "choose by the validation split"
    )
