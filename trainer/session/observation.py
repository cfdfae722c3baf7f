"""What is told of a training while it runs: the log, the events of the command line, and TensorBoard's. Only the chief
tells.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator

from limbeck import events
from trainer.fitting.progress import Fitted, TrainingProgress
from trainer.fitting.summaries import Summaries
from trainer.session.session import Session

_log = logging.getLogger(__name__)
ProgressCallback = Callable[[TrainingProgress], None]


@contextlib.contextmanager
def observed(session: Session, member: int, start: Fitted) -> Iterator[ProgressCallback | None]:
    """Gives the function that tells of a member's progress; None where this process is not the chief.

    Args:
      session: whose process this is.
      member: number of the member.
      start: what was done in earlier tries; TensorBoard is told of it first.
    """
    if not session.me.is_chief:
        yield None
        return
    job, summaries = session.job, Summaries(session.job.record_uri, member)
    for progress in start.curve:
        summaries.add(progress)

    def report(progress: TrainingProgress) -> None:
        summaries.add(progress)
        point = dataclasses.asdict(progress)
        _log.info("%s %d of %d: %s", job.entry, member + 1, job.members, point)
        events.emit("training", entry=job.entry, member=member, members=job.members, **point)

    try:
        yield report
    finally:
        summaries.close()
