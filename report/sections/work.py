"""Section: the time and data of the pipeline's stages, and the work of each training process."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from limbeck.rank_record import RankRecord, Traffic
from limbeck.report.schema import Report, Stage


@dataclasses.dataclass(frozen=True)
class Work:
    """The section. `total` and `longest` are seconds, over the stages that were not cached, as is `moved`.

    `moved` are the bytes of the stages' inputs and outputs; None if they are not known.
    """

    stages: tuple[Stage, ...]
    total: float
    longest: float
    moved: tuple[int, int] | None
    cached: int
    training: dict[str, tuple[RankRecord, ...]]

    @property
    def workers(self) -> tuple[Stage, ...]:
        """The stages whose workers reported the bytes that they moved."""
        return tuple(stage for stage in self.stages if stage.workers)

    @property
    def traffic(self) -> bool:
        """Whether any training process reported the bytes that it moved."""
        return any(record.traffic for records in self.training.values() for record in records)

    @staticmethod
    def bytes(traffic: Traffic | None) -> tuple[int | None, int | None, int | None]:
        """Returns the bytes of rows, and the bytes sent and received; None for unknown values."""
        return (None, None, None) if traffic is None else (traffic.rows, traffic.sent, traffic.received)

    @staticmethod
    def share(value: float | None) -> str:
        """Returns a share of a training as a percentage; a dash if it is not known."""
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
