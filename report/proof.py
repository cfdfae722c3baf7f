"""Says in words what the test split proves, for which seeds, and how often it was looked at."""

from __future__ import annotations

from limbeck.report import figures
from limbeck.report.gain import reading
from limbeck.report.names import full, ordered
from limbeck.report.schema import Report
from limbeck.report.verdicts import AcrossSeeds

_SPACE = "\u00a0"
ONE_PAIR = (
    "each comparison with a control is of one pair of models, from one seed: it says nothing about other seeds "
    "(student.seeds=5 would)"
)


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


def seeds_words(report: Report) -> tuple[str, ...]:
    """Returns a sentence for each control on what other seeds say; one if there is one pair of models each."""
    if report.across_seeds is None:
        return (ONE_PAIR,) if report.against else ()
    return tuple(_over_seeds(report, report.across_seeds, name) for name in ordered(report.across_seeds.against))


def _over_seeds(report: Report, across: AcrossSeeds, control: str) -> str:
    found, measure = across.against[control], report.measure
    each = ", ".join(figures.bare_difference(one, measure) for one in across.differences[control])
    return (
        f"over {across.seeds} seeds, the student is {figures.measured_difference(found.difference.value, measure)} "
        f"from the {full(control)} (95{_SPACE}% interval {figures.difference_range(found.difference, measure)} for "
        f"other seeds and other examples, {figures.p_value(found.p_value)}; one by one {each}): {reading(found)}"
    )


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
