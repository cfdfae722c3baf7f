"""Time as Argo sees it: pauses between attempts pass at once."""

from __future__ import annotations

import time


class Clock:
    """A clock that runs with the machine's, and can be put forward."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Seconds since some moment."""
        return time.monotonic() + self._ahead

    def skip(self, seconds: float) -> None:
        """Lets a pause pass."""
        self._ahead += max(0.0, seconds)
