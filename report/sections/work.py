"""Section: where time and data went: the pipeline's stages, and the work of each training process."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from limbeck.rank_record import RankRecord
from limbeck.report.schema import Report, Stage


@dataclasses.dataclass(frozen=True)
class Work:
    """The section. `total` and `longest` are seconds, over the stages that were not cached, as is `moved`.

    `moved` are the bytes that stages were given and made; None if they are not known.
    """

    stages: tuple[Stage, ...]
    total: float
    longest: float
    moved: tuple[int, int] | None
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
    ran = [stage for stage in report.stages if not stage.cached]
    seconds = [stage.seconds for stage in ran]
    cached = len(report.stages) - len(ran)
    return Work(report.stages, sum(seconds), max([0.001, *seconds]), _moved(ran), cached, report.training)


def _moved(stages: Sequence[Stage]) -> tuple[int, int] | None:
    given = [stage.input_bytes for stage in stages if stage.input_bytes is not None]
    made = [stage.output_bytes for stage in stages if stage.output_bytes is not None]
    return (sum(given), sum(made)) if len(given) == len(made) == len(stages) else None
