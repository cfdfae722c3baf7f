"""Watches a serving folder: loads new versions, and unloads versions that were removed.

A version may fail to load because of a temporary error: a file system that does not answer, or too little memory. Such
an error cannot be told from a broken model. So a version is tried again a few times, after growing pauses.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from pathlib import Path

from limbeck.server import versions
from limbeck.server.loading import Version
from limbeck.server.student import Served

_log = logging.getLogger(__name__)
_TRIES = 6
# If the folder is checked each second, the last try comes five minutes after the first.
_FIRST_PAUSE_LOOKS = 10


@dataclasses.dataclass(frozen=True)
class _Failure:
    """How often a version could not be loaded, and the number of the check at which it is tried again, if ever."""

    tries: int
    next_look: int

    def is_due(self, look: int) -> bool:
        return self.tries < _TRIES and look >= self.next_look


class Watcher:
    """Keeps the newest versions of a folder loaded."""

    def __init__(
        self, serving: Path, served: Served, load: Callable[[int, Path], Version], kept: int, seconds: float
    ) -> None:
        """Takes the folder, what is served of it, how to load a version, how many to keep, and how often to look."""
        self._serving, self._served, self._load = serving, served, load
        self._kept, self._seconds = kept, seconds
        self._looked: Callable[[Served], None] | None = None
        self._looks = 0
        self._failures: dict[int, _Failure] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def look(self) -> None:
        """Checks the folder once.

        If a version cannot be loaded, the error is logged, and the others stay. The last version is never unloaded.
        """
        present = versions.found(self._serving)
        self._looks += 1
        self._failures = {number: one for number, one in self._failures.items() if number in present}
        waiting = {number for number, one in self._failures.items() if not one.is_due(self._looks)}
        refused = {number: why for number, why in self._served.refused.items() if number in waiting}
        loaded = dict(self._served.versions)
        # Versions that cannot be loaded must not replace others.
        for number in versions.wanted(set(present) - set(refused), self._kept):
            if number in loaded:
                continue
            try:
                loaded[number] = self._load(number, present[number])
                self._failures.pop(number, None)
                _log.info("version %d is served", number)
            except Exception as error:
                refused[number] = str(error)
                self._note_failure(number, error)
        stay = versions.wanted(set(loaded) & set(present), self._kept) or versions.wanted(loaded, 1)
        for number in set(loaded) - set(stay):
            _log.info("version %d is no longer served", number)
        self._served.versions, self._served.refused = {number: loaded[number] for number in stay}, refused
        if self._looked is not None:
            self._looked(self._served)

    def _note_failure(self, number: int, error: Exception) -> None:
        tries = 1 + (self._failures[number].tries if number in self._failures else 0)
        self._failures[number] = _Failure(tries, self._looks + _FIRST_PAUSE_LOOKS * 2 ** (tries - 1))
        again = "is tried again" if tries < _TRIES else f"was tried {tries} times, and is not tried again"
        _log.error("version %d is not served, because it cannot be loaded, and %s: %s", number, again, error)

    def start(self, looked: Callable[[Served], None] | None = None) -> None:
        """Checks the folder from now on. Calls `looked` after each check."""
        self._looked = looked
        self._thread.start()

    def stop(self) -> None:
        """Stops checking. Returns when the last check is over."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.look()
            except OSError as error:
                _log.warning("%s cannot be read: %s", self._serving, error)
