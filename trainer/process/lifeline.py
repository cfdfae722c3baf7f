"""Ends a training process when the process that launched it dies.

A launcher that is killed by SIGKILL runs no handler, and its children would hold GPUs and ports for ever. So a child
asks the kernel for a SIGKILL at its parent's death. If the parent died before the child asked, that signal never comes.
So the child then checks that its parent is still the process that launched it.

The kernel takes the death of the *thread* that started the child for the death of the parent. So a launcher starts its
processes from a thread that lives until they have ended.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

ENVIRONMENT = "LIMBECK_PARENT"
_PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int | None = None) -> None:
    """Asks the kernel to kill this process when its parent dies. It does so on Linux only.

    Args:
      parent_pid: process id of the launcher; None: the value of LIMBECK_PARENT. If the launcher is not the parent of
        this process, or is not any more, this process is killed at once. Without the variable, as in a pod, nothing
        happens.

    Raises:
      OSError: if the kernel refuses.
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
