"""A process in a pod, for messages about failures; and the chief's log, which is passed on while it is written.

A connection that follows a log is cut by every proxy sooner or later. Lines carry their times, so the next connection
begins where the last one ended, and no line is passed on twice.
"""

from __future__ import annotations

import collections
import logging
import threading

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.far_output import LAST_LINES, pass_on, readable
from limbeck.launchers.kubernetes.api import PASSING, Api
from limbeck.launchers.kubernetes.pod_template import CONTAINER

_log = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0
# Seconds to wait for the rest of the log: of a process that has ended, and of a process that goes on and has no end.
_REST_SECONDS, _LIVING_SECONDS = 10.0, 1.0


class PodProcess:
    """The process of one rank. Implements `limbeck.launchers.failure.Ended`."""

    def __init__(self, rank: int, title: str, api: Api) -> None:
        """Takes the rank, its name in messages, and how to read its log."""
        self.rank, self.title, self._api = rank, title, api
        self.pod: str | None = None
        self._lines: tuple[str, ...] | None = None

    def last_lines(self) -> tuple[str, ...]:
        """Returns the last lines of its output. They are read only once, while the pod still exists."""
        if self._lines is None:
            told = () if self.pod is None else self._api.log(self.pod, CONTAINER, LAST_LINES)
            self._lines = tuple(readable(line) for line in told)
        return self._lines


class FollowedLog:
    """Passes the log of a pod on, line by line, until the pod has ended."""

    def __init__(self, api: Api, pod: str, title: str) -> None:
        """Starts to follow."""
        self._api, self._pod, self._title = api, pod, title
        self._done, self._since, self._latest = threading.Event(), "", ""
        self._seen: collections.deque[str] = collections.deque(maxlen=1000)
        self._thread = threading.Thread(target=self._run, name=f"log-{pod}", daemon=True)
        self._thread.start()

    def finish(self, *, lives: bool) -> None:
        """Waits a moment for the rest of the log, and stops following it. `lives`: whether the process goes on."""
        self._done.set()
        self._thread.join(_LIVING_SECONDS if lives else _REST_SECONDS)

    def _run(self) -> None:
        while True:
            # The state is read before the log. So if the process has ended, the log now contains everything.
            ended = self._done.is_set()
            try:
                for line in self._api.follow_log(self._pod, CONTAINER, self._since or None):
                    self._take(line)
            except UserError as error:
                _log.warning("the log of %s is not shown: %s", self._title, error)
                return
            except (*PASSING, LookupError, TrainingFailedError) as error:
                # The connection was cut, the container is still being created, or the pod is gone.
                _log.debug("the log of %s: %s", self._title, error)
            if ended:
                return
            self._done.wait(_PAUSE_SECONDS)

    def _take(self, stamped: str) -> None:
        time, _, line = stamped.partition(" ")
        if time < self._latest or stamped in self._seen:
            return
        self._latest, self._since = time, time
        self._seen.append(stamped)
        pass_on(self._title, line)
