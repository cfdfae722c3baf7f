"""Tells faults of storage that may pass from faults that stay, and repeats a call while its fault may pass.

Now and then an object store answers "503, try again", or a network file system is not available for a second. A
training of days must not end for that. But a full disk or a missing permission stays. If every fault were waited for, a
user would hear of it late.
"""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# Pauses in seconds. Peers wait meanwhile, and still give signs of life.
PAUSES = (0.5, 1.0, 2.0, 4.0)
_PASSING = frozenset(
    {
        errno.EIO, errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.ESTALE, errno.ETIMEDOUT, errno.ECONNABORTED,
        errno.ECONNREFUSED, errno.ECONNRESET, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH,
    }
)  # fmt: skip


def may_pass(error: Exception) -> bool:
    """Returns whether the same call may succeed a moment later, by the kind of a TensorFlow error or an OSError.

    The faults that may pass are UNAVAILABLE (HTTP 502, 503 and 429), DEADLINE_EXCEEDED, ABORTED, INTERNAL, CANCELLED
    and UNKNOWN. TensorFlow reports errors without a name of their own as UNKNOWN, such as EIO.
    """
    import tensorflow as tf

    kinds = (
        tf.errors.UnavailableError,
        tf.errors.DeadlineExceededError,
        tf.errors.AbortedError,
        tf.errors.InternalError,
        tf.errors.CancelledError,
        tf.errors.UnknownError,
    )
    return isinstance(error, kinds) or (isinstance(error, OSError) and error.errno in _PASSING)


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
      tensorflow.errors.OpError: the error of the last call, or the first error that stays.
      OSError: likewise.
    """
    import tensorflow as tf

    for pause in pauses:
        try:
            return call()
        except (tf.errors.OpError, OSError) as error:
            if not may_pass(error):
                raise
            _log.warning("%s failed, and is tried again in %.1f s: %s", what, pause, error)
        wait(pause)
    return call()
