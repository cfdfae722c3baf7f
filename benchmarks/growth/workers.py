"""Measures what Beam's workers save of packing: `python benchmarks/growth/workers.py`. Prints tables in Markdown.

The same files are packed in one process, and by two and more processes of Beam, in turn. The folders must be equal.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


@dataclasses.dataclass(frozen=True)
class Times:
    """What some work took.

    Attributes:
      wall: seconds of the clock.
      processor: seconds of processor time, with that of the processes that it started and that have ended.
    """

    wall: float
    processor: float


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parsed = parser.parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    # Beam's worker processes import what this one does.
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryDirectory(prefix="limbeck-growth-") as folder:
        home, load = Path(folder), os.getloadavg()[0]
        sources = write(home, parsed.rows // parsed.files, parsed.files)
        size = sum(Path(path).stat().st_size for path in sources) / 2**20
        _say(f"{parsed.rows:,} rows in {parsed.files} files of {size:,.0f} MiB together.\n")
        _say("| part of packing in one process | wall, s | CPU, s |")
        _say("| --- | ---: | ---: |")
        for what, took in parts(sources, home):
            _say(f"| {what} | {took.wall:.1f} | {took.processor:.1f} |")
        _say("\n| workers | wall, s | lowest to highest | × one process | CPU, s |")
        _say("| --- | ---: | ---: | ---: | ---: |")
        found = alternating(sources, home, parsed.workers, parsed.runs)
        one = statistics.median(each.wall for each in found[parsed.workers[0]])
        for workers, times in found.items():
            wall = [each.wall for each in times]
            processor = statistics.median(each.processor for each in times)
            name = "this process" if workers == 1 else f"{workers} processes of Beam"
            _say(
                f"| {name} | {statistics.median(wall):.1f} | {min(wall):.1f} to {max(wall):.1f} | "
                f"{statistics.median(wall) / one:.2f} | {processor:.1f} |"
            )
        _say(f"\nLoad of the machine before: {load:.1f}, after: {os.getloadavg()[0]:.1f}.")
    return 0


def write(home: Path, rows: int, files: int) -> list[str]:
    """Writes files of so many rows each. They differ in the ids alone, which are as long."""
    import hashlib

    import tensorflow as tf

    from benchmarks.ingestion import data

    data.write(home / "0.gz", rows, "GZIP")
    read = tf.data.TFRecordDataset(str(home / "0.gz"), "GZIP").as_numpy_iterator()
    writers = [tf.io.TFRecordWriter(str(home / f"{number}.gz"), "GZIP") for number in range(1, files)]
    for row, record in enumerate(read):
        own = data.example_id(str(row))
        for number, writer in enumerate(writers, start=1):
            other = hashlib.sha256(f"{number} {row}".encode()).hexdigest()[: len(own)]
            writer.write(record.replace(own, other.encode()))
    for writer in writers:
        writer.close()
    return [str(home / f"{number}.gz") for number in range(files)]


def parts(sources: list[str], home: Path) -> Iterator[tuple[str, Times]]:
    """Yields what each part of packing takes in this process. First one file is read: TensorFlow's start is no part."""
    from limbeck.trainer.data import seal
    from limbeck.trainer.data.packing import Labels, merge
    from limbeck.trainer.data.reading import Reading
    from limbeck.trainer.data.runs import Limits, write_runs

    spec, key, objective = _what()
    reading, limits, folder = Reading.of(spec, key, objective), Limits(), home / "parts"
    write_runs(sources[:1], reading, str(home / "warm"), limits)
    runs: list[Any] = []
    yield (
        "reading the files, and writing sorted runs",
        timed(lambda: runs.extend(write_runs(sources, reading, str(home / "runs"), limits))),
    )
    merging = timed(lambda: merge(runs, folder, Labels(key, objective), limits))
    (folder / "seal.json").unlink()
    sealing = timed(lambda: seal.write(str(folder), "index.npy"))
    yield "merging the runs", Times(merging.wall - sealing.wall, merging.processor - sealing.processor)
    yield "the digest of what was written", sealing


def alternating(sources: list[str], home: Path, workers: Sequence[int], runs: int) -> dict[int, list[Times]]:
    """Packs in turn with each number of workers; 1 is this process. Returns what each packing took.

    Beam is imported before: in a pipeline, the process of a training node has used it already.
    """
    import apache_beam  # noqa: F401

    from limbeck.components.training.packing import Workers, pack
    from limbeck.settings.beam import BeamConfig
    from limbeck.trainer.data.packed import packed_digest

    spec, key, objective = _what()

    def work(folder: Path, count: int) -> None:
        asked = Workers(BeamConfig(workers=count).flags(), str(home / "place"), fewest_bytes=0)
        pack(sources, folder, spec, key, objective, split="training", workers=asked)

    found: dict[int, list[Times]] = {count: [] for count in workers}
    digests = set()
    for number in range(runs):
        for count, times in found.items():
            folder = home / f"packed-{count}-{number}"
            times.append(timed(functools.partial(work, folder, count)))
            digests.add(packed_digest(str(folder)))
    if len(digests) != 1:
        raise ValueError(f"equal data were packed to different bytes: {sorted(digests)}")
    return found


def timed(work: Callable[[], object]) -> Times:
    """Does some work, and returns what it took."""
    wall, before = time.perf_counter(), os.times()
    work()
    wall, after = time.perf_counter() - wall, os.times()
    return Times(wall, sum(after[:4]) - sum(before[:4]))


def _what() -> tuple[Any, str, Any]:
    """Returns feature spec, name of the label and objective of the data."""
    from benchmarks.ingestion import data
    from limbeck.examples import LABEL
    from limbeck.objectives.registry import objective_of
    from limbeck.task import Label

    return data.spec(), LABEL, objective_of(Label("label", classes=tuple(map(str, range(data.CLASSES)))))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
