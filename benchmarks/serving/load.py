"""An open-loop load: when requests arrive, and what their latencies say. Pure; nothing here waits.

A client that sends its next request when the last one was answered slows down with the server, and so leaves out the
requests that would have waited longest ("coordinated omission"). Here arrivals stand before the first request is sent,
and each latency counts from them.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

Seconds = npt.NDArray[np.float64]


def arrivals(rate: float, seconds: float, seed: int) -> Seconds:
    """Returns when requests arrive, in seconds from the beginning, in order: a Poisson process.

    Independent users arrive so. The same seed with another rate gives the same arrivals on another scale of time.

    Args:
      rate: requests a second, on average.
      seconds: how long requests arrive.
      seed: of the random gaps.

    Raises:
      ValueError: if rate or seconds are not above 0.
    """
    if rate <= 0 or seconds <= 0:
        raise ValueError(f"rate and seconds must be above 0; received {rate} and {seconds}")
    expected = rate * seconds
    # Six standard deviations above the mean: the gaps reach the end.
    gaps = np.random.default_rng(seed).exponential(size=int(expected + 6 * expected**0.5 + 40))
    times = np.cumsum(gaps) / rate
    return np.asarray(times[times < seconds], dtype=np.float64)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What happened to one load.

    Attributes:
      rate: the requests a second that were asked for.
      arrived: when each request arrived, in seconds from the beginning.
      late: how many seconds after its arrival the client could begin with each request: the client's own fault.
      answered: when each answer was complete, in seconds from the beginning; NaN if it never was.
      failures: requests that were answered by an error.
    """

    rate: float
    arrived: Seconds
    late: Seconds
    answered: Seconds
    failures: int = 0

    def __post_init__(self) -> None:
        """Raises ValueError if there is no request, or if the numbers of requests differ."""
        if not len(self.arrived) or not len(self.arrived) == len(self.late) == len(self.answered):
            raise ValueError(
                f"there must be as many arrivals, delays and answers, and at least one; received {len(self.arrived)}, "
                f"{len(self.late)} and {len(self.answered)}"
            )

    @property
    def unanswered(self) -> int:
        """The requests that were not answered in time, or by an error."""
        return int(np.isnan(self.answered).sum()) + self.failures

    def latency(self, share: float) -> float:
        """Returns the seconds within which this share of requests was answered: the nearest rank, with no estimate.

        A request without an answer counts as infinitely slow.
        """
        return percentile(np.nan_to_num(self.answered - self.arrived, nan=np.inf), share)

    @property
    def throughput(self) -> float:
        """The answers a second until the last of them."""
        answered = self.answered[~np.isnan(self.answered)]
        return len(answered) / float(answered.max()) if len(answered) else 0.0

    def lateness(self, share: float) -> float:
        """Returns the seconds within which the client began with this share of requests."""
        return percentile(self.late, share)

    def holds(self, share: float, limit: float) -> bool:
        """Tells whether every request was answered, and this share of them within the limit in seconds."""
        return not self.unanswered and self.latency(share) <= limit


def percentile(values: Seconds, share: float) -> float:
    """Returns the smallest value that at least this share of the values does not exceed ("nearest rank").

    Args:
      values: at least one, in any order.
      share: above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share must be above 0 and at most 1; received {share}")
    # The product of 0.07 and 100 is above 7.
    rank = int(np.ceil(round(share * len(values), 9)))
    return float(np.sort(values)[max(rank, 1) - 1])
