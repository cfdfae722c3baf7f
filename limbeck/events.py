"""How a process deep inside a run tells the terminal what it is doing.

Standard output belongs to the noise of TensorFlow and Beam, which goes to a log file. Events go their own way:
JSON lines appended to the file that the environment names. Where it names none (a pod, a test) they are dropped:
the log has the same facts.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from pathlib import Path
from typing import Any

ENVIRONMENT = "LIMBECK_EVENTS"


def emit(kind: str, **fields: Any) -> None:
    """Appends one event. A line is written by one call, so that lines of several processes do not mix."""
    path = os.environ.get(ENVIRONMENT)
    if not path:
        return
    line = json.dumps({"event": kind, "time": time.time(), **fields}) + "\n"
    # A full disk must not end a training of hours for a line that only the terminal would show.
    with contextlib.suppress(OSError):
        descriptor = os.open(Path(path), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def parse(line: str) -> dict[str, Any] | None:
    """Reads one line of the file; None for a line that its process did not finish, whatever follows it on the line."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        return None
    return event if isinstance(event, dict) and isinstance(event.get("event"), str) else None
