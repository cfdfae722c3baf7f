"""Gives a training process the name that `top` and `ps -o comm` show, because all are started by one command."""

from __future__ import annotations

import ctypes
import sys

_PR_SET_NAME = 15


def set_name(name: str) -> None:
    """Names this process, on Linux only. The kernel keeps the first 15 characters."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
