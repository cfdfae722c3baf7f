"""Signs between the processes of stages: files in the folder of a job's records, which all of its processes can reach.

The process of a stage computes the operations of the chief, and has no training loop. TensorFlow's server never ends by
itself, and the chief does not get the signals of other processes. So a stage that is asked to end writes a sign file,
and goes on until the chief has saved. The chief writes a sign file when it is done, however it ended.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from limbeck import files

_LOOK_SECONDS = 1.0


def ask(record_uri: str, rank: int) -> None:
    """Says that the process with this rank was asked to end."""
    files.write_text(_asked(record_uri, rank), "")


def asking(record_uri: str, processes: int, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Returns a function that returns whether any process has been asked to end. It looks once a second at most.

    Args:
      record_uri: the folder of the job's records.
      processes: number of processes of the job.
      clock: returns the time in seconds.
    """
    looked, found = -_LOOK_SECONDS, False

    def asked() -> bool:
        nonlocal looked, found
        if not found and clock() - looked >= _LOOK_SECONDS:
            looked = clock()
            found = any(files.exists(_asked(record_uri, rank)) for rank in range(1, processes))
        return found

    return asked


@contextlib.contextmanager
def releasing(record_uri: str) -> Iterator[None]:
    """Returns a context behind which the processes of the stages may end, whatever happened in it."""
    try:
        yield
    except BaseException:
        # The launcher ends all of them now. If storage is away, what is raised must say so.
        with contextlib.suppress(OSError):
            files.write_text(_released(record_uri), "")
        raise
    files.write_text(_released(record_uri), "")


def released(record_uri: str) -> bool:
    """Returns whether the chief needs the other processes no longer."""
    return files.exists(_released(record_uri))


def discard(record_uri: str, processes: int) -> None:
    """Removes all signs. No process of the job may live."""
    for uri in (_released(record_uri), *(_asked(record_uri, rank) for rank in range(1, processes))):
        files.remove(uri, missing_ok=True)


def _asked(record_uri: str, rank: int) -> str:
    return files.join(record_uri, f"asked-{rank}")


def _released(record_uri: str) -> str:
    return files.join(record_uri, "released")
