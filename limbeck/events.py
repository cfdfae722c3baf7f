"""Events: how a process deep inside a run tells the terminal what it does.

TensorFlow and Beam fill standard output with messages, and a log file collects them. Events take another way: a
process appends JSON lines to the file that the environment names. If the environment names no file (in a pod, in a
test), events are dropped. The log has the same facts.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ENVIRONMENT = "LIMBECK_EVENTS"


def emit(kind: str, **fields: Any) -> None:
    """Appends one event to the file. One call writes the whole line, so lines of several processes do not mix."""
    path = os.environ.get(ENVIRONMENT)
    if not path:
        return
    line = json.dumps({"event": kind, "time": time.time(), **fields}) + "\n"
    # A training of hours must not end because the disk is full, and a line for the terminal is lost.
    with contextlib.suppress(OSError):
        descriptor = os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def note(text: str, log: Callable[..., None]) -> None:
    """Tells a text to the user: on the terminal and in the log.

    Args:
      text: the text.
      log: a logger's method, such as `logger.warning`.
    """
    log("%s", text)
    emit("note", text=text)


def parse(line: str) -> dict[str, Any] | None:
    """Reads one line of the file. Returns None if its process did not finish the line."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
