"""What the jobs of these tests do in their workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path


def worker_of(number: int) -> str:
    """Which process does the work."""
    return f"{number} {os.getpid()}"


def wait(number: int, folder: str) -> str:
    """Says who works, then works until it is killed: nobody ever writes to the second pipe."""
    with Path(folder, "started").open("w", encoding="utf-8") as pipe:
        pipe.write(str(os.getpid()))
    return Path(folder, "never").read_text(encoding="utf-8")


def die(number: int) -> int:
    """As when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)
    return number


def run(step: object, flags: Sequence[str], output: Path, *arguments: str) -> None:
    """Runs a step for 40 numbers, and writes what it returns."""
    import apache_beam as beam

    with beam.Pipeline(argv=list(flags)) as pipeline:
        _ = (
            pipeline
            | beam.Create(range(40))
            | beam.Reshuffle()
            | beam.Map(step, *arguments)
            | beam.io.WriteToText(str(output))
        )
