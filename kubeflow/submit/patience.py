"""Asks again, with growing pauses, what a service could not answer.

Only what the service did not do may be asked again: a second `create` after a lost answer would start the pipeline
twice. So such an error is passed on, and the backend looks first whether the run is there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from limbeck.kubeflow.submit.errors import PassingError, ServiceError

Result = TypeVar("Result")
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0)
_LONGEST = 60.0


def pause_for(seconds: float) -> None:
    """Waits."""
    time.sleep(seconds)


def patiently(
    call: Callable[[], Result],
    *,
    pauses: tuple[float, ...] = PAUSES,
    repeatable: bool = True,
) -> Result:
    """Returns what `call` returns.

    Args:
      call: is made again after a PassingError.
      pauses: seconds between attempts; one attempt more than there are pauses. What the service asks for counts more.
      repeatable: whether a call that may have been served may be made again.

    Raises:
      PassingError: if the call may have been served, and is not repeatable.
      ServiceError: if the last attempt failed too.
    """
    for pause in (*pauses, None):
        try:
            return call()
        except PassingError as error:
            if error.reached and not repeatable:
                raise
            if pause is None:
                raise ServiceError(f"{error}; it stayed so for {len(pauses) + 1} attempts") from None
            pause_for(min(error.seconds or pause, _LONGEST))
    raise AssertionError("unreachable")
