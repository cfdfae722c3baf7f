"""Waits for processes that others have started."""

import os
import select
from collections.abc import Iterable

import psutil


def wait(processes: Iterable[psutil.Process], seconds: float = 120.0) -> None:
    """Returns when all have ended. The system may keep their exit codes, which nobody has asked for, for a minute."""
    for process in processes:
        try:
            descriptor = os.pidfd_open(process.pid)
        except ProcessLookupError:
            continue
        try:
            # Not `select`, which takes no descriptor from 1,024 on.
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            assert poll.poll(1000 * seconds), f"{process} has not ended"
        finally:
            os.close(descriptor)
