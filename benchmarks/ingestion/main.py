"""Measures how fast examples become batches: `python benchmarks/ingestion/main.py`. Prints tables as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_OURS, _NAIVE, _TUNED, _RECORDS = "ours", "naive map-parse", "batch, then parse", "records alone"
# How often each reads all examples in one run, so that no run is over at once: starting a dataset costs some tenths.
_EPOCHS = {_OURS: 20, _NAIVE: 1, _TUNED: 4, _RECORDS: 20}


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    from benchmarks.ingestion import data

    if parsed.memory_of:
        _say(f"{_anonymous_growth(Path(parsed.memory_of)):.1f}")
        return 0
    with tempfile.TemporaryDirectory(prefix="limbeck-ingestion-") as folder:
        home, load = Path(folder), os.getloadavg()[0]
        data.write(home / "records", parsed.rows)
        packing = _pack(home, "packed", parsed.rows)
        _say(f"Packed once, {parsed.rows:,} examples: {packing:.1f} s.\n")
        _say("| batch | what | examples/s | lowest to highest | × naive | examples per CPU second | × naive |")
        _say("| ---: | --- | ---: | ---: | ---: | ---: | ---: |")
        for batch_size in parsed.batch_sizes:
            rates = _alternating(_contestants(home, batch_size), parsed.rows, parsed.runs)
            naive = rates[_NAIVE].medians
            for name, found in rates.items():
                wall, processor = found.medians
                _say(
                    f"| {batch_size:,} | {name} | {wall:,.0f} | {min(found.wall):,.0f} to {max(found.wall):,.0f} | "
                    f"{wall / naive[0]:.1f} | {processor:,.0f} | {processor / naive[1]:.1f} |"
                )
        _say("\n| examples | packed | grown by, while an epoch is read |")
        _say("| ---: | ---: | ---: |")
        for rows in (parsed.rows, 10 * parsed.rows):
            packed = home / f"packed-{rows}"
            _pack(home, packed.name, rows)
            size = sum(path.stat().st_size for path in packed.iterdir()) / 2**20
            _say(f"| {rows:,} | {size:,.0f} MB | {_in_a_process(packed)} MB |")
        _say(f"\nLoad of the machine before: {load:.1f}, after: {os.getloadavg()[0]:.1f}.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 1024])
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    return parser


def _pack(home: Path, name: str, rows: int) -> float:
    """Packs so many examples into a folder. Returns the seconds that it took."""
    from benchmarks.ingestion import data
    from limbeck.examples import LABEL
    from limbeck.objectives.registry import objective_of
    from limbeck.task import Label
    from limbeck.trainer.data.packing import pack

    data.write(home / "to-pack.gz", rows, "GZIP")
    folder = home / name
    folder.mkdir()
    label = Label("label", classes=tuple(map(str, range(data.CLASSES))))
    begin = time.perf_counter()
    pack([str(home / "to-pack.gz")], folder, data.spec(), LABEL, objective_of(label))
    return time.perf_counter() - begin


def _contestants(home: Path, batch_size: int) -> dict[str, Callable[[], Any]]:
    """Returns, by name, functions that make the dataset of one run."""
    import tensorflow as tf

    from benchmarks.ingestion import data

    spec, file = data.spec(), str(home / "records")
    autotune = tf.data.AUTOTUNE

    def naive() -> Any:
        parsed = tf.data.TFRecordDataset(file).map(lambda one: tf.io.parse_single_example(one, spec))
        return parsed.batch(batch_size).prefetch(autotune)

    def tuned() -> Any:
        serialized = tf.data.TFRecordDataset(file).repeat(_EPOCHS[_TUNED]).batch(batch_size)
        return serialized.map(lambda some: tf.io.parse_example(some, spec), autotune).prefetch(autotune)

    return {
        _OURS: lambda: _ours(home / "packed", batch_size, _EPOCHS[_OURS]),
        _NAIVE: naive,
        _TUNED: tuned,
        _RECORDS: lambda: tf.data.TFRecordDataset(file).repeat(_EPOCHS[_RECORDS]).batch(batch_size),
    }


def _ours(folder: Path, batch_size: int, epochs: int = 1) -> Any:
    """Returns what a training reads, without the thread that tunes, as in a training."""
    import tensorflow as tf

    from benchmarks.ingestion import data
    from limbeck.trainer.data.batches import batches
    from limbeck.trainer.data.order import Order
    from limbeck.trainer.data.packed import PackedExamples

    order = Order(len(PackedExamples(str(folder))), batch_size, epochs, seed=1)
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches(str(folder), order, [0], 1, data.spec()).with_options(options)


@dataclasses.dataclass
class _Rates:
    """Examples per second of each run: of the clock, and of the processor, which other work on it disturbs less."""

    wall: list[float] = dataclasses.field(default_factory=list)
    processor: list[float] = dataclasses.field(default_factory=list)

    @property
    def medians(self) -> tuple[float, float]:
        return statistics.median(self.wall), statistics.median(self.processor)


def _alternating(contestants: dict[str, Callable[[], Any]], rows: int, runs: int) -> dict[str, _Rates]:
    """Returns the rates of each contestant. The first round warms up, and is not counted."""
    rates = {name: _Rates() for name in contestants}
    for number in range(runs + 1):
        for name, make in contestants.items():
            dataset, expected = make(), rows * _EPOCHS[name]
            wall, processor = time.perf_counter(), time.process_time()
            count = _read(dataset)
            wall, processor = time.perf_counter() - wall, time.process_time() - processor
            if count != expected:
                raise ValueError(f"{name} read {count} of {expected} examples")
            if number:
                rates[name].wall.append(expected / wall)
                rates[name].processor.append(expected / processor)
    return rates


def _read(dataset: Any) -> int:
    """Reads all batches within TensorFlow. Returns the number of examples."""
    import tensorflow as tf

    def add(count: Any, *batch: Any) -> Any:
        return count + tf.shape(tf.nest.flatten(batch)[0], tf.int64)[0]

    return int(dataset.reduce(tf.constant(0, tf.int64), add))


def _in_a_process(packed: Path) -> str:
    command = [sys.executable, str(Path(__file__).resolve()), "--memory-of", str(packed)]
    return subprocess.run(command, capture_output=True, text=True, check=True, cwd=_ROOT).stdout.strip()


def _anonymous_growth(packed: Path) -> float:
    """Reads an epoch, and returns by how many MB the memory of this process grew that no file backs."""
    from benchmarks.memory import anonymous

    _read(_ours(packed, 1024).take(8))
    before = anonymous()
    _read(_ours(packed, 1024))
    return (anonymous() - before) / 1024


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
