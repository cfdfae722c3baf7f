"""All schedules by name. A new schedule is a file, and a line here."""

from __future__ import annotations

from limbeck.trainer.pipelining.schedules.double_buffered import double_buffered
from limbeck.trainer.pipelining.schedules.gpipe import gpipe
from limbeck.trainer.pipelining.schedules.kind import ScheduleKind
from limbeck.trainer.pipelining.schedules.naive import naive
from limbeck.trainer.pipelining.schedules.one_forward_one_backward import one_forward_one_backward
from limbeck.trainer.pipelining.schedules.weight_stashing import weight_stashing

SCHEDULES: dict[str, ScheduleKind] = {
    "naive": naive,
    "gpipe": gpipe,
    "1f1b": one_forward_one_backward,
    "2bw": double_buffered,
    "weight_stashing": weight_stashing,
}
# These schedules compute the gradients of the whole batch at the newest weights.
SYNCHRONOUS = ("naive", "gpipe", "1f1b")
# These schedules compute gradients at older weights, even of batches before the schedule: they take `oldest`.
DELAYED = {"2bw": double_buffered, "weight_stashing": weight_stashing}
