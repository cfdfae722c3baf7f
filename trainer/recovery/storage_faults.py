"""Distinguishes temporary faults of storage from permanent ones, and repeats a call after a temporary fault.

Now and then an object store answers "503, try again", or a network file system is not available for a second. A
training of days must not end because of such a fault. But a full disk or a missing permission is permanent. If every
fault led to a wait, the user would see such an error late.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# Pauses in seconds. Other processes wait in the meantime, and still give signs of life.
PAUSES = (0.5, 1.0, 2.0, 4.0)
_PASSING = frozenset(
    {
        errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNABORTED,
        errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
    }
)  # fmt: skip


def may_pass(error: OSError) -> bool:
    """Returns whether the same call may succeed a moment later, by the number of an error of `limbeck.files`."""
    return error.errno in _PASSING


def patiently(
    call: Callable[[], _Result],
    what: str,
    pauses: Sequence[float] = PAUSES,
    wait: Callable[[float], None] = time.sleep,
) -> _Result:
    """Calls a function, and calls it again after each pause as long as its fault may pass.

    Args:
      call: the function. It can be repeated.
      what: what it does, as the beginning of a warning, such as `writing the checkpoint of step 3`.
      pauses: pauses before the further calls, in seconds.
      wait: pauses for a number of seconds.

    Returns:
      What `call` returns.

    Raises:
      OSError: the error of the last call, or the first error that stays.
    """
    for pause in pauses:
        try:
            return call()
        except OSError as error:
            if not may_pass(error):
                raise
            _log.warning("%s failed, and is tried again in %.1f s: %s", what, pause, error)
        wait(pause)
    return call()
