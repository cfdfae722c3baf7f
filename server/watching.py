"""Watches a serving folder: loads new versions, and unloads versions that were removed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from limbeck.server import versions
from limbeck.server.loading import Version
from limbeck.server.student import Served

_log = logging.getLogger(__name__)


class Watcher:
    """Keeps the newest versions of a folder loaded."""

    def __init__(
        self, serving: Path, served: Served, load: Callable[[int, Path], Version], kept: int, seconds: float
    ) -> None:
        """Takes the folder, what is served of it, how to load a version, how many to keep, and how often to look."""
        self._serving, self._served, self._load = serving, served, load
        self._kept, self._seconds = kept, seconds
        self._looked: Callable[[Served], None] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="versions", daemon=True)

    def look(self) -> None:
        """Looks once.

        A version that cannot be loaded is told, and the others stay. The last one is never taken back.
        """
        present = versions.found(self._serving)
        refused = {number: why for number, why in self._served.refused.items() if number in present}
        loaded = dict(self._served.versions)
        # Versions that cannot be loaded must not take the places of others.
        for number in versions.wanted(set(present) - set(refused), self._kept):
            if number in loaded:
                continue
            try:
                loaded[number] = self._load(number, present[number])
                _log.info("version %d is served", number)
            except Exception as error:
                refused[number] = str(error)
                _log.error("version %d is not served, because it cannot be loaded: %s", number, error)
        stay = versions.wanted(set(loaded) & set(present), self._kept) or versions.wanted(loaded, 1)
        for number in set(loaded) - set(stay):
            _log.info("version %d is no longer served", number)
        self._served.versions, self._served.refused = {number: loaded[number] for number in stay}, refused
        if self._looked is not None:
            self._looked(self._served)

    def start(self, looked: Callable[[Served], None] | None = None) -> None:
        """Looks from now on. `looked` is told after each look."""
        self._looked = looked
        self._thread.start()

    def stop(self) -> None:
        """Looks no more. Returns when the last look is over."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                self.look()
            except OSError as error:
                _log.warning("%s cannot be read: %s", self._serving, error)
