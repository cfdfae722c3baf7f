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
    """Writes a sign that the process with this rank was asked to end."""
    files.write_text(_asked(record_uri, rank), "")


def asking(record_uri: str, processes: int, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Returns a function that returns whether any process was asked to end. It reads the files at most once a second.

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
    """Returns a context that tells the processes of the stages at its end that they may end, also after an error."""
    try:
        yield
    except BaseException:
        # The launcher ends all processes now. If storage is not available, the error must say so.
        with contextlib.suppress(OSError):
            files.write_text(_released(record_uri), "")
        raise
    files.write_text(_released(record_uri), "")


def released(record_uri: str) -> bool:
    """Returns whether the chief no longer needs the other processes."""
    return files.exists(_released(record_uri))


def discard(record_uri: str, processes: int) -> None:
    """Removes all signs. Call it only while no process of the job runs."""
    for uri in (_released(record_uri), *(_asked(record_uri, rank) for rank in range(1, processes))):
        files.remove(uri, missing_ok=True)


def _asked(record_uri: str, rank: int) -> str:
    return files.join(record_uri, f"asked-{rank}")


def _released(record_uri: str) -> str:
    return files.join(record_uri, "released")
