"""Section: where the time went: the pipeline's stages, and the work of each training process."""

from __future__ import annotations

import dataclasses

from limbeck.rank_record import RankRecord
from limbeck.report.schema import Report, Stage


@dataclasses.dataclass(frozen=True)
class Work:
    """The section. `total` and `longest` are seconds, over the stages that were not cached."""

    stages: tuple[Stage, ...]
    total: float
    longest: float
    cached: int
    training: dict[str, tuple[RankRecord, ...]]

    @staticmethod
    def share(value: float | None) -> str:
        """Returns a share of a training as a percentage; a dash where it is not known."""
        return "—" if value is None else f"{100 * value:.0f} %"


def view(report: Report) -> Work | None:
    """Returns the section; None if nothing ran."""
    if not report.stages and not report.training:
        return None
    seconds = [stage.seconds for stage in report.stages if not stage.cached]
    cached = len(report.stages) - len(seconds)
    return Work(report.stages, sum(seconds), max([0.001, *seconds]), cached, report.training)
