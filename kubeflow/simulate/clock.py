"""Argo's clock, in which pauses between attempts take no time."""

from __future__ import annotations

import time


class Clock:
    """A clock that runs like the machine's, and can be advanced."""

    def __init__(self) -> None:
        self._ahead = 0.0

    def now(self) -> float:
        """Returns the seconds since an arbitrary moment."""
        return time.monotonic() + self._ahead

    def skip(self, seconds: float) -> None:
        """Advances the clock by a pause."""
        self._ahead += max(0.0, seconds)
