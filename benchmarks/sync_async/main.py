"""Compares strategies that wait with one that does not: `python benchmarks/sync_async/main.py`. Prints a table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.search.training import World
    from limbeck.settings.strategy import StrategyConfig

_ROOT = Path(__file__).resolve().parents[2]
# Mean training loss in nats. All strategies get there.
_TARGET = 0.1
_BATCH_SIZE, _UNITS = 64, 128


@dataclasses.dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
      seconds: of the training, without the start of the processes.
      examples: that gradients were computed for, over all processes.
      steps: updates of the variables.
      reached: the share of the steps after which the loss was at the target; None if it never was.
      accuracy: on the test split, in percent.
    """

    seconds: float
    examples: int
    steps: int
    reached: float | None
    accuracy: float


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["TF_USE_LEGACY_KERAS"] = "3", "1"
    strategies = _strategies()
    load, found = os.getloadavg()[0], {name: list[Run]() for name in strategies}
    for seed in range(parsed.seeds):
        with tempfile.TemporaryDirectory(prefix="limbeck-sync-async-") as folder:
            world = _world(Path(folder), seed)
            # Each strategy goes first once: what heats the machine up hits all of them.
            names = list(found)
            for name in names[seed % len(names) :] + names[: seed % len(names)]:
                found[name].append(_trained(world, name, strategies[name](), parsed.epochs))
                sys.stderr.write(f"seed {seed}, {name}: {found[name][-1]}\n")
    _say("| strategy | examples/s | updates | updates to the target | seconds to the target | test accuracy |")
    _say("| --- | ---: | ---: | ---: | ---: | ---: |")
    for name, runs in found.items():
        _say(f"| {name} | {' | '.join(_cells(runs))} |")
    _say(
        f"\n{parsed.seeds} seeds. Load before: {load:.1f}, after: {os.getloadavg()[0]:.1f}; {os.cpu_count()} cores."
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=30)
    return parser


def _strategies() -> dict[str, Callable[[], StrategyConfig]]:
    from limbeck.settings.strategy import StrategyConfig
    from limbeck.strategies.horovod import Horovod

    found = {
        "one_device": lambda: StrategyConfig(name="one_device"),
        "multi_worker_mirrored, 2": lambda: StrategyConfig(name="multi_worker_mirrored", workers=2),
        "horovod, 2": lambda: StrategyConfig(name="horovod", workers=2),
        "parameter_server, 2 + 1": lambda: StrategyConfig(name="parameter_server", workers=2, parameter_servers=1),
    }
    if not Horovod().is_installed:
        sys.stderr.write("horovod is left out, because it is not installed (`make install-horovod`)\n")
        del found["horovod, 2"]
    return found


def _world(folder: Path, seed: int) -> World:
    from benchmarks.search.training import World
    from limbeck.examples import TRAIN

    world = World("digits", seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    return world


def _trained(world: World, name: str, strategy: StrategyConfig, epochs: int) -> Run:
    from benchmarks.multi_worker.ours import job_of, launched
    from benchmarks.search.training import measure
    from limbeck.settings.training import TrainingConfig

    place = world.folder / name.replace(" ", "-")
    training = TrainingConfig(
        epochs=epochs, batch_size=_BATCH_SIZE, learning_rate=0.001, seed=world.seed, steps_per_call=20
    )
    job = job_of(world, place, strategy, training, _UNITS)
    _, records = launched(job)
    steps = records[0].steps
    return Run(
        seconds=max(one.seconds for one in records),
        examples=sum(one.examples for one in records),
        steps=steps,
        reached=_reached(place),
        accuracy=100 * measure(world, job),
    )


def _reached(place: Path) -> float | None:
    """Returns the share of its steps after which a training was at the target."""
    [curve] = json.loads((place / "history.json").read_text(encoding="utf-8"))["members"]
    return next((point["step"] / point["steps"] for point in curve if point["loss"] <= _TARGET), None)


def _cells(runs: Sequence[Run]) -> Iterator[str]:
    yield _spread([run.examples / run.seconds for run in runs], ",.0f")
    yield f"{statistics.median(run.steps for run in runs):,.0f}"
    there = [(run.reached, run) for run in runs if run.reached is not None]
    if len(there) < len(runs):
        yield from [f"{len(runs) - len(there)} of {len(runs)} never"] * 2
    else:
        yield _spread([share * run.steps for share, run in there], ",.0f")
        yield _spread([share * run.seconds for share, run in there], ".1f")
    yield _spread([run.accuracy for run in runs], ".2f")


def _spread(values: Sequence[float], form: str) -> str:
    error = statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{form}} ± {error:{form}}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
