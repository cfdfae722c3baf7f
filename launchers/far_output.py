"""Shows the output of a process on another machine.

The process cannot write its events to a file on this machine. So it writes events to its output, and this module
extracts them from there.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

from limbeck import events

LAST_LINES = 30
# Where a process on another machine writes its events.
EVENTS = "/dev/stdout"


def pass_on(title: str, line: str) -> None:
    """Writes a line of a process to the log, with the name of the process, and passes an event on as an event."""
    event = _event(line)
    if event is not None:
        fields = {key: value for key, value in event.items() if key not in ("event", "time")}
        events.emit(event["event"], **fields)
    # Errors are ignored, because a training must not fail because of its log. The disk may be full, or the log's reader
    # may have ended.
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"[{title}] {readable(line)}\n")


def readable(line: str) -> str:
    """Returns a line for people. An event is JSON in the log, and becomes `training: step=40 steps=107 loss=0.31`."""
    event = _event(line)
    if event is None:
        return line
    hidden = ("event", "time", "entry")
    fields = " ".join(f"{key}={value}" for key, value in event.items() if key not in hidden and value is not None)
    return f"{event['event']}: {fields}"


def _event(line: str) -> dict[str, Any] | None:
    return events.parse(line) if line.startswith("{") else None
