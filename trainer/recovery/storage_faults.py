"""Tells a fault of storage that passes from one that stays, and tries again while it may pass.

An object store answers "503, try again" now and then, and means it; a network file system is away for a second. A
training of days must not end for that. A full disk or a missing permission stays: to wait for it only hides it.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# Pauses in seconds. Peers wait meanwhile, and go on beating.
PAUSES = (0.5, 1.0, 2.0, 4.0)
_PASSING = frozenset(
    {
        errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNABORTED,
        errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
    }
)  # fmt: skip


def may_pass(error: OSError) -> bool:
    """Whether the same call may go well a moment later: what an error of `limbeck.files` says by its number."""
    return error.errno in _PASSING


def patiently(
    call: Callable[[], _Result],
    what: str,
    pauses: Sequence[float] = PAUSES,
    wait: Callable[[float], None] = time.sleep,
) -> _Result:
    """Calls `call`, and again after each of `pauses` while its fault may pass; `call` can be repeated.

    Raises:
      OSError: the last one, or the first that stays.
    """
    for pause in pauses:
        try:
            return call()
        except OSError as error:
            if not may_pass(error):
                raise
            _log.warning("%s went wrong, and is tried again in %.1f s: %s", what, pause, error)
        wait(pause)
    return call()
