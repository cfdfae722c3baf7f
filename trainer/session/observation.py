"""Reports the progress of a training: to the log, to the events of the command line, and to TensorBoard.

All processes have the same losses, so reports from each of them would repeat each other. Only the chief reports.
"""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Callable, Iterator

from limbeck import events
from limbeck.trainer.fitting.progress import Fitted, TrainingProgress
from limbeck.trainer.fitting.summaries import Summaries
from limbeck.trainer.session.session import Session

_log = logging.getLogger(__name__)
ProgressCallback = Callable[[TrainingProgress], None]


@contextlib.contextmanager
def observed(session: Session, member: int, start: Fitted) -> Iterator[ProgressCallback | None]:
    """Returns a context with the callback that reports a member's progress; None if this process is not the chief.

    Args:
      session: the session of this process.
      member: number of the member, from 0.
      start: what earlier attempts did. TensorBoard gets these points first.
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
        trial = {} if session.trial is None else {"trial": session.trial}
        events.emit("training", entry=job.entry, member=member, members=job.members, **trial, **point)

    try:
        yield report
    finally:
        summaries.close()
