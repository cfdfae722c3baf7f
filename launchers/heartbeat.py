"""Finds the processes that have gone silent: the receiving side of `limbeck.trainer.process.heartbeat`.

The clocks of files and of this process may differ, and either may be set back. So a heartbeat is a file that has
changed since the last check, and the time of silence is measured by the clock of this process. If the launcher itself
was stopped (a frozen container, a debugger), its processes were usually stopped, too, and do not hang. So one check
adds only a little silence, even if the last check was long ago.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Iterable, Mapping

from limbeck.trainer.process import heartbeat
from limbeck.trainer.process.heartbeat import SECONDS

_log = logging.getLogger(__name__)
# A new interpreter gets at least this long until its first heartbeat, even if the deadline is shorter.
STARTING_SECONDS = 60.0
# The shortest deadline, because a machine under load writes heartbeats late.
_SHORTEST_SECONDS = 3.0 * SECONDS
# TensorFlow gives up 5 to 7 s after it lost a peer. A process that is silent for this long by then is that peer.
SUSPICIOUS_SECONDS = 4.0 * SECONDS


@dataclasses.dataclass
class _Pulse:
    beat: object = None
    silence: float = 0.0
    announced: float = 0.0


class Pulses:
    """The heartbeats of the processes of one attempt."""

    def __init__(self, uris: Mapping[int, str], deadline: float, now: float | None = None) -> None:
        """Takes the URI of each rank's heartbeat file, and the seconds of silence after which a process has hung."""
        self._uris, self._deadline = uris, max(deadline, _SHORTEST_SECONDS)
        self._pulses = {rank: _Pulse() for rank in uris}
        self._looked = time.monotonic() if now is None else now
        self.interval = min(SECONDS, self._deadline / 4)

    def look(self, now: float | None = None) -> None:
        """Reads the heartbeats since the last look. Call it about every `interval` seconds."""
        now = time.monotonic() if now is None else now
        passed, self._looked = min(now - self._looked, 2 * self.interval), now
        for rank, pulse in self._pulses.items():
            try:
                beat, pulse.announced = heartbeat.read(self._uris[rank]) or (None, STARTING_SECONDS)
            except OSError as error:
                # If the storage is not available, nothing is known about the process.
                _log.warning("the heartbeat of rank %d cannot be read: %s", rank, error)
                continue
            pulse.silence = pulse.silence + passed if beat == pulse.beat else 0.0
            pulse.beat = beat

    def hung(self, ranks: Iterable[int]) -> dict[int, float]:
        """Returns which of these ranks missed the deadline, and for how many seconds each was silent."""
        return self._silent_for(self._deadline, ranks)

    def suspicious(self, ranks: Iterable[int]) -> dict[int, float]:
        """Returns which of these ranks were silent so long that a peer gave up, and for how many seconds."""
        return self._silent_for(min(SUSPICIOUS_SECONDS, self._deadline), ranks)

    def _silent_for(self, seconds: float, ranks: Iterable[int]) -> dict[int, float]:
        pulses = {rank: self._pulses[rank] for rank in ranks}
        return {
            rank: pulse.silence for rank, pulse in pulses.items() if pulse.silence >= max(seconds, pulse.announced)
        }
