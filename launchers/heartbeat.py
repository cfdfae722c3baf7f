"""Which processes have gone silent: the other end of `trainer.process.heartbeat`.

The clocks of files and of this process may differ, and either may be set back; so a beat is a file that changed since
the last look, and silence is what this process saw pass. A launcher that was itself stopped (a frozen container, a
debugger) saw nothing pass: its processes stood still with it and are not to blame, so one look counts for little
however long ago the one before was.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping

from trainer.process import heartbeat
from trainer.process.heartbeat import SECONDS

# What a fresh interpreter is given to reach its first beat, however short the deadline is.
STARTING_SECONDS = 60.0
# A machine under load beats late: no deadline is shorter than this.
_SHORTEST_SECONDS = 3.0 * SECONDS
# With a peer lost, TensorFlow gives up after 5 to 7 s: who is silent for that long by then is the lost one.
SUSPICIOUS_SECONDS = 4.0 * SECONDS


@dataclasses.dataclass
class _Pulse:
    beat: object = None
    silence: float = 0.0
    announced: float = 0.0


class Pulses:
    """The signs of life of the processes of one attempt."""

    def __init__(self, uris: Mapping[int, str], deadline: float, now: float | None = None) -> None:
        """Takes the URI of each rank's heartbeat file, and the seconds of silence after which one counts as hung."""
        self._uris, self._deadline = uris, max(deadline, _SHORTEST_SECONDS)
        self._pulses = {rank: _Pulse() for rank in uris}
        self._looked = time.monotonic() if now is None else now
        self.interval = min(SECONDS, self._deadline / 4)

    def look(self, now: float | None = None) -> None:
        """Takes in what has happened since the last look; to be called about every `interval` seconds."""
        now = time.monotonic() if now is None else now
        passed, self._looked = min(now - self._looked, 2 * self.interval), now
        for rank, pulse in self._pulses.items():
            beat, pulse.announced = heartbeat.read(self._uris[rank]) or (None, STARTING_SECONDS)
            pulse.silence = pulse.silence + passed if beat == pulse.beat else 0.0
            pulse.beat = beat

    def hung(self, ranks: Iterable[int]) -> dict[int, float]:
        """Of these ranks, the ones that missed the deadline, and the seconds of their silence."""
        return self._silent_for(self._deadline, ranks)

    def suspicious(self, ranks: Iterable[int]) -> dict[int, float]:
        """Of these ranks, the ones whose silence explains that a peer gave up, and the seconds of it."""
        return self._silent_for(min(SUSPICIOUS_SECONDS, self._deadline), ranks)

    def _silent_for(self, seconds: float, ranks: Iterable[int]) -> dict[int, float]:
        pulses = {rank: self._pulses[rank] for rank in ranks}
        return {
            rank: pulse.silence for rank, pulse in pulses.items() if pulse.silence >= max(seconds, pulse.announced)
        }
