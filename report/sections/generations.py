"""Section: the students that were trained in a row, each but the first taught by the one before.

Only the last student is judged on the test split. If all were, one of them would be best by luck.
"""

from __future__ import annotations

import dataclasses

from limbeck.report import figures
from limbeck.report.schema import Report


@dataclasses.dataclass(frozen=True)
class GenerationRow:
    """One generation, formatted."""

    name: str
    steps: str
    time: str
    measure: str
    loss: str


@dataclasses.dataclass(frozen=True)
class GenerationsView:
    """The section: the name of the measure, the rows, and whether their figures are known."""

    measure: str
    rows: tuple[GenerationRow, ...]
    known: bool


def view(report: Report) -> GenerationsView | None:
    """Returns the section; None if the student had no predecessor."""
    found = report.findings.generations if report.findings else ()
    if not found:
        return None
    rows = tuple(
        GenerationRow(
            f"{one.number}, taught by {'the teachers' if one.number == 1 else one.number - 1}",
            f"{one.steps:,}",
            figures.duration(one.seconds),
            "unknown" if one.value is None else figures.measured(one.value, report.measure),
            "unknown" if one.loss is None else figures.nats(one.loss),
        )
        for one in found
    )
    return GenerationsView(report.measure.name, rows, any(one.value is not None for one in found))
