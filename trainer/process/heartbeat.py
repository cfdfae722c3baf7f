"""A sign of life every second, for a launcher that cannot tell a process at work from one that stands still.

A stopped or frozen process (SIGSTOP, a machine that swaps itself to death, a deadlock under Python's lock) neither
ends nor says anything, and its peers wait for it. Output is no sign of life: a long step is silent too. So a thread
touches a file that the launcher watches. A peer that merely waits in a collective operation goes on beating, which
tells the two apart; for the same reason two processes that wait for each other for ever are not found out.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

# Names the file; where it names none, nobody watches.
ENVIRONMENT = "LIMBECK_HEARTBEAT"
SECONDS = 1.0
# Joining a cluster waits for the slowest process to start.
JOINING_SECONDS = 600.0


def start() -> None:
    """Touches the file that LIMBECK_HEARTBEAT names, and goes on until the process ends.

    Called before slow imports; once it returns, a process that stands still is found out.
    """
    path = os.environ.get(ENVIRONMENT)
    if path:
        Path(path).touch()
        threading.Thread(target=_beat, args=(Path(path),), name="heartbeat", daemon=True).start()


@contextlib.contextmanager
def silence(seconds: float) -> Iterator[None]:
    """Announces that what is done in the context may give no sign of life for so long.

    For calls into C++ that wait for others and hold Python's lock meanwhile, such as joining a cluster.
    """
    path = os.environ.get(ENVIRONMENT)
    if not path:
        yield
        return
    Path(path).write_text(f"{seconds}", encoding="ascii")
    try:
        yield
    finally:
        Path(path).write_text("", encoding="ascii")


def _beat(path: Path) -> None:
    while True:
        time.sleep(SECONDS)
        try:
            os.utime(path)
        except OSError:
            # It is gone, and with it the launcher that watched: `trainer.process.lifeline` ends this process.
            return
