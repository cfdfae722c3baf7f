"""Says in words what is shown of the student beside its teacher, for the page, the terminal and the advice."""

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
