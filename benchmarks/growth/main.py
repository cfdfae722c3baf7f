"""Measures how time and memory grow with the rows: `python benchmarks/growth/main.py`. Prints a table in Markdown.

Each number of rows is packed and read in a process of its own, so that none begins with the memory of another.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_TIMES = (1, 10, 100)
_BATCH = 1024
_LOOK_SECONDS = 0.01


@dataclasses.dataclass(frozen=True)
class Cost:
    """What a part of the work took.

    Attributes:
      wall: seconds of the clock.
      processor: seconds of processor time.
      memory: MiB by which the memory that no file backs grew at most.
    """

    wall: float
    processor: float
    memory: float


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Pack and read 1, 10 and 100 times as many rows.")
    parser.add_argument("--rows", type=int, default=20_000, help="the fewest rows (20,000)")
    parser.add_argument("--work-of", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    if parsed.work_of:
        _say(json.dumps([dataclasses.asdict(one) for one in _work(Path(parsed.work_of))]))
        return 0
    _say("| rows | what | wall, s | CPU, s | CPU of a row, × that of the fewest | memory, MiB | bytes a row |")
    _say("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    fewest: dict[str, float] = {}
    for times in _TIMES:
        rows = times * parsed.rows
        for what, cost in zip(("packing", "an epoch"), _measured(rows), strict=True):
            per_row, bytes_of_row = cost.processor / rows, cost.memory * 2**20 / rows
            growth = per_row / fewest.setdefault(what, per_row)
            _say(
                f"| {rows:,} | {what} | {cost.wall:.1f} | {cost.processor:.1f} | {growth:.2f} | {cost.memory:.0f} | "
                f"{bytes_of_row:.0f} |"
            )
    _say(f"\nLoad of the machine: {os.getloadavg()[0]:.1f}.")
    return 0


def _measured(rows: int) -> tuple[Cost, Cost]:
    """Returns what packing so many rows took, and reading them once."""
    from benchmarks.ingestion import data

    with tempfile.TemporaryDirectory(prefix="limbeck-growth-") as folder:
        data.write(Path(folder) / "to-pack.gz", rows, "GZIP")
        command = [sys.executable, str(Path(__file__).resolve()), "--work-of", folder]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=_ROOT)
    packing, epoch = (Cost(**one) for one in json.loads(done.stdout))
    return packing, epoch


def _work(folder: Path) -> tuple[Cost, Cost]:
    """Packs and reads the rows of a folder, after some of them: the start of TensorFlow is no growth."""
    from benchmarks.ingestion import data
    from limbeck.examples import LABEL
    from limbeck.objectives.registry import objective_of
    from limbeck.task import Label
    from limbeck.trainer.data.packing import pack

    objective = objective_of(Label("label", classes=tuple(map(str, range(data.CLASSES)))))

    def packed(source: str) -> str:
        destination = folder / f"packed-{source}"
        destination.mkdir()
        pack([str(folder / source)], destination, data.spec(), LABEL, objective)
        return str(destination)

    data.write(folder / "few.gz", 2 * _BATCH, "GZIP")
    _read(packed("few.gz"))
    return cost_of(lambda: packed("to-pack.gz")), cost_of(lambda: _read(str(folder / "packed-to-pack.gz")))


def _read(folder: str) -> None:
    """Reads an epoch of batches, as a training does."""
    import tensorflow as tf

    from benchmarks.ingestion import data
    from limbeck.trainer.data.batches import batches
    from limbeck.trainer.data.order import Order
    from limbeck.trainer.data.packed import PackedExamples

    options = tf.data.Options()
    options.autotune.enabled = False
    order = Order(len(PackedExamples(folder)), _BATCH, 1, seed=1)
    for _ in batches(folder, order, [0], 1, data.spec()).with_options(options):
        pass


def cost_of(work: Callable[[], object]) -> Cost:
    """Does some work, and looks at the memory of this process every hundredth of a second."""
    from benchmarks.memory import anonymous

    done, most = threading.Event(), 0

    def look() -> None:
        nonlocal most
        while not done.wait(_LOOK_SECONDS):
            most = max(most, anonymous())

    before, watcher = anonymous(), threading.Thread(target=look, daemon=True)
    wall, processor = time.perf_counter(), time.process_time()
    watcher.start()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    most = max(most, anonymous())
    done.set()
    watcher.join()
    return Cost(wall, processor, max(0, most - before) / 1024)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
