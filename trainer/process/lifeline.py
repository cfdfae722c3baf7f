"""A training process must not outlive the process that launched it.

A launcher that is killed with -9 runs no handler, and its children would hold GPUs and ports for
ever. The kernel can end them: a child asks for SIGKILL at its parent's death. If the parent died
before the child asked, no signal will ever come, so the child then looks whether its parent is
still the one that it was told.

The kernel counts the death of the *thread* that started the child as the parent's death: a launcher
starts its processes from a thread that lives until they have ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

ENVIRONMENT = "LIMBECK_PARENT"
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int | None = None) -> None:
    """Has the kernel kill this process when its parent dies; Linux only, elsewhere it does nothing.

    Args:
      parent_pid: process id of the launcher. If that is not (any more) the parent of this process,
        it is killed at once. By default what LIMBECK_PARENT says; where it says nothing, as in a
        pod, nothing is done.

    Raises:
      OSError: where the kernel refuses.
    """
    if parent_pid is None:
        if ENVIRONMENT not in os.environ:
            return
        parent_pid = int(os.environ[ENVIRONMENT])
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)
