"""Measures training by several processes: `python benchmarks/multi_worker/main.py`. Prints tables as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.search.training import World

_ROOT = Path(__file__).resolve().parents[2]
_PEER = Path(__file__).with_name("peer.py")
_BATCH_SIZE, _LEARNING_RATE, _STEPS_PER_CALL = 64, 0.001, 20
_MODELS = {"small": 64, "large": 4096}
_OURS, _PLAIN, _TUNED = "ours", "tf_keras fit", "tf_keras fit, 20 steps a call"


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
      wall: seconds from the start of the first process to the end of the last.
      training: seconds of the training alone, the slowest process counts; the model's graph is made in them.
      steps: optimizer steps.
    """

    wall: float
    training: float
    steps: int


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    from benchmarks.search.training import World

    load = os.getloadavg()[0]
    _say("| model | processes | what | steps/s | lowest to highest | seconds a step, × fit | whole, s | × fit |")
    _say("| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="limbeck-multi-worker-") as folder:
        world = World("digits", 0, Path(folder))
        examples = _prepare(world)
        for model in parsed.models:
            for processes in parsed.processes:
                contestants = _contestants(world, examples, _MODELS[model], processes, parsed.epochs)
                for line in _lines(_alternating(contestants, parsed.runs)):
                    _say(f"| {model} | {processes} | {line} |")
    _say(f"\nLoad of the machine before: {load:.1f}, after: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores.")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--models", nargs="+", choices=_MODELS, default=list(_MODELS))
    return parser


def _prepare(world: World) -> Path:
    """Packs the training split for our jobs, and writes the same examples for the peer. Returns the peer's file."""
    import numpy as np
    import tensorflow as tf

    from limbeck.examples import LABEL, TRAIN

    serialized = list(world.examples[TRAIN])
    world.pack("teacher", TRAIN, serialized)
    columns = world.task.load().features[0].shape
    spec = {"x": tf.io.FixedLenFeature(columns, tf.float32), LABEL: tf.io.FixedLenFeature([], tf.int64)}
    parsed = tf.io.parse_example(serialized, spec)
    file = world.folder / "examples.npz"
    np.savez(file, x=parsed["x"].numpy(), y=parsed[LABEL].numpy())
    return file


def _contestants(
    world: World, examples: Path, units: int, processes: int, epochs: int
) -> dict[str, Callable[[], Run]]:
    shared = {"batch_size": _BATCH_SIZE, "epochs": epochs, "units": units, "learning_rate": _LEARNING_RATE}

    def fit(steps_per_execution: int) -> Callable[[], Run]:
        settings = {**shared, "classes": 10, "steps_per_execution": steps_per_execution}
        return lambda: _fit(examples, settings, processes)

    return {
        _OURS: lambda: _ours(world, units, processes, epochs),
        _PLAIN: fit(1),
        _TUNED: fit(_STEPS_PER_CALL),
    }


def _ours(world: World, units: int, processes: int, epochs: int) -> Run:
    from benchmarks.multi_worker.ours import job_of, launched
    from limbeck.settings.strategy import StrategyConfig
    from limbeck.settings.training import TrainingConfig

    strategy = StrategyConfig(name="multi_worker_mirrored", workers=processes)
    training = TrainingConfig(
        epochs=epochs,
        batch_size=_BATCH_SIZE,
        learning_rate=_LEARNING_RATE,
        schedule="constant",
        steps_per_call=_STEPS_PER_CALL,
    )
    place = world.folder / f"ours-{units}-{processes}-{time.monotonic_ns()}"
    job = job_of(world, place, strategy, training, units)
    wall, records = launched(job)
    return Run(wall, max(one.seconds for one in records), records[0].steps)


def _fit(examples: Path, settings: dict[str, Any], processes: int) -> Run:
    from limbeck.launchers.local import ports

    begin = time.perf_counter()
    with ports.held(processes) as numbers:
        workers = [f"localhost:{number}" for number in numbers]
        started = []
        for index in range(processes):
            place = {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
            started.append(
                subprocess.Popen(
                    [sys.executable, str(_PEER), str(examples), json.dumps(settings)],
                    env={**os.environ, "TF_CONFIG": json.dumps(place)},
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
        outputs = [process.communicate()[0] for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError(f"the peer ended with {[process.returncode for process in started]}")
    found = [json.loads(output.splitlines()[-1]) for output in outputs]
    return Run(time.perf_counter() - begin, max(one["seconds"] for one in found), found[0]["steps"])


def _alternating(contestants: dict[str, Callable[[], Run]], runs: int) -> dict[str, list[Run]]:
    """Returns the runs of each. The first round warms the page cache, and is not counted."""
    found: dict[str, list[Run]] = {name: [] for name in contestants}
    for number in range(runs + 1):
        for name, run in contestants.items():
            done = run()
            if number:
                found[name].append(done)
    return found


def _lines(found: dict[str, list[Run]]) -> Iterator[str]:
    def step(name: str) -> float:
        return statistics.median(run.training / run.steps for run in found[name])

    def whole(name: str) -> float:
        return statistics.median(run.wall for run in found[name])

    for name, runs in found.items():
        rates = [run.steps / run.training for run in runs]
        yield (
            f"{name} | {1 / step(name):,.0f} | {min(rates):,.0f} to {max(rates):,.0f} | "
            f"{step(name) / step(_PLAIN):.2f} | {whole(name):.1f} | {whole(name) / whole(_PLAIN):.2f}"
        )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
