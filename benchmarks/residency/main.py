"""Counts what trainings and a step of Beam move: `python benchmarks/residency/main.py`. Prints tables in Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.search.training import World
    from limbeck.rank_record import RankRecord

_ROOT = Path(__file__).resolve().parents[2]
_BATCH = 64
_MODELS = {"small": 64, "large": 1024}
_COLUMNS, _CLASSES = 64, 10
# What a training does once, such as its trial and its graph, is the same in both.
_EPOCHS = (10, 110)
_FILES = 8


@dataclasses.dataclass(frozen=True)
class Step:
    """What one process does in one optimizer step, on average.

    Attributes:
      seconds: of the slowest process.
      rows: bytes of packed rows that a process looks up; the largest of all processes, as the others.
      sent: bytes that go out through its connections.
      received: bytes that come in.
    """

    seconds: float
    rows: float
    sent: float
    received: float


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="limbeck-residency-") as folder:
        if "training" in parsed.parts:
            _say(
                "| model | workers | gradients, kB | sent a step, kB | × ring | received, kB | rows, kB | ms a step | "
                "ms without moving | moving |"
            )
            _say("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
            for line in _trainings(Path(folder), parsed.workers, parsed.runs):
                _say(line)
        if "beam" in parsed.parts:
            from benchmarks.residency import beam_step

            _say("\n| workers | wall, s | worker | read, MB | written, MB | through the wire, MB |")
            _say("| ---: | ---: | ---: | ---: | ---: | ---: |")
            data = beam_step.write(Path(folder) / "data", parsed.rows, _FILES)
            for workers in parsed.workers:
                for line in beam_step.lines(data, Path(folder) / f"beam-{workers}", workers):
                    _say(line)
    _say(f"\nLoad of the machine before: {before:.1f}, after: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--runs", type=int, default=3, help="trainings of each kind (3)")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of the table of the Beam step (200,000)")
    parser.add_argument("--parts", nargs="+", choices=["training", "beam"], default=["training", "beam"])
    return parser


def _trainings(folder: Path, workers: Sequence[int], runs: int) -> Iterator[str]:
    """Yields a line for each model and number of workers."""
    from benchmarks.search.training import World
    from limbeck.examples import TRAIN

    world = World("digits", 0, folder)
    world.pack("teacher", TRAIN, list(world.examples[TRAIN]))
    for model, units in _MODELS.items():
        gradients = 4 * ((_COLUMNS + 1) * units + (units + 1) * _CLASSES)
        for count in workers:
            together = _step(world, units, count, _BATCH, runs)
            # One process that computes what one of them computes, and moves nothing.
            alone = _step(world, units, 1, _BATCH // count, runs)
            ring = 2 * (count - 1) / count * gradients
            times = f"{together.sent / ring:.3f}" if ring else "—"
            share = max(0.0, 1 - alone.seconds / together.seconds)
            yield (
                f"| {model} | {count} | {gradients / 1e3:,.1f} | {together.sent / 1e3:,.1f} | {times} | "
                f"{together.received / 1e3:,.1f} | {together.rows / 1e3:,.1f} | {1e3 * together.seconds:.2f} | "
                f"{1e3 * alone.seconds:.2f} | {100 * share:.0f} % |"
            )


def _step(world: World, units: int, workers: int, batch: int, runs: int) -> Step:
    """Returns what a step takes: the median of some runs, each the difference of a long and a short training."""
    return Step(
        *map(
            statistics.median, zip(*(_difference(world, units, workers, batch) for _ in range(runs)), strict=True)
        )
    )


def _difference(world: World, units: int, workers: int, batch: int) -> tuple[float, ...]:
    short, long = (_trained(world, units, workers, batch, epochs) for epochs in _EPOCHS)
    steps = long[0].steps - short[0].steps

    def largest(name: str) -> float:
        pairs = zip(short, long, strict=True)
        most = max(getattr(after.traffic, name) - getattr(before.traffic, name) for before, after in pairs)
        return float(most) / steps

    seconds = max(one.seconds for one in long) - max(one.seconds for one in short)
    return seconds / steps, largest("rows"), largest("sent"), largest("received")


def _trained(world: World, units: int, workers: int, batch: int, epochs: int) -> tuple[RankRecord, ...]:
    from benchmarks.multi_worker.ours import job_of, launched
    from limbeck.settings.strategy import StrategyConfig
    from limbeck.settings.training import TrainingConfig

    strategy = StrategyConfig(name="multi_worker_mirrored", workers=workers)
    training = TrainingConfig(epochs=epochs, batch_size=batch, learning_rate=0.001, schedule="constant")
    with tempfile.TemporaryDirectory(dir=world.folder) as place:
        _, records = launched(job_of(world, Path(place), strategy, training, units))
    return records


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
