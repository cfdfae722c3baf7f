"""keras.distillation beside the product: the same teacher, students, rows, loss and schedule, in one run.

Keras calls the teacher at each step. The product does so where the inputs change, and stores soft targets otherwise. So
it is timed both ways. Its teacher at each step is that of `stored`, with an augmentation that changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from benchmarks.distillation import keras_side, stored

if TYPE_CHECKING:
    from benchmarks.search.training import World
    from limbeck.trainer.job import TrainingJob

TABLE = "letters"
# Hidden units of teacher and student.
PAIRS: Mapping[str, tuple[int, int]] = MappingProxyType({"256 to 16": (256, 16), "12,800 to 256": (12_800, 256)})
_TEMPERATURE, _ALPHA = 2.0, 0.9
_TIMED_EPOCHS = 60
# Both sides add up in another order.
_SAME_LOGITS = 1e-3
_ROOT = Path(__file__).resolve().parents[2]
_OURS = ("stored", "at each step")


def measured(pair: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains one pair of models on both sides, one after the other. Returns seconds of an epoch and accuracies."""
    from benchmarks.search.training import World, labelled, measure
    from limbeck.examples import TRAIN
    from limbeck.settings.distillation import DistillationConfig
    from limbeck.trainer import training

    teacher_units, units = PAIRS[pair]
    world = World(TABLE, seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    teacher = world.job("teacher", "labels", hyperparameters=stored.network(teacher_units))
    training.run(teacher)
    uri = world.pack("student", TRAIN, labelled(teacher, world.examples[TRAIN]))
    epoch = {name: stored.epoch(world, teacher, uri, name, units) for name in _OURS}
    student = world.job(
        "student",
        "soft_targets",
        hyperparameters=stored.network(units),
        distillation=DistillationConfig(temperature=_TEMPERATURE, alpha=_ALPHA, search=False),
    )
    training.run(student)
    theirs = _theirs(world, teacher, units, student)
    return {
        "pair": pair,
        "seed": seed,
        "version": theirs["version"],
        "epoch": epoch | {f"Keras, {way}": seconds for way, seconds in theirs["epoch"].items()},
        "accuracy": {
            "teacher": measure(world, teacher),
            "ours": measure(world, student),
            **{f"Keras, {loss}": accuracy for loss, accuracy in theirs["accuracy"].items()},
        },
    }


def _theirs(world: World, teacher: TrainingJob, units: int, student: TrainingJob) -> dict[str, Any]:
    """Trains in a process that has Keras 3. Raises SystemExit if its teacher answers otherwise."""
    import numpy as np

    arrays, request, result = (world.folder / name for name in ("arrays.npz", "request.json", "result.json"))
    np.savez(arrays, **_arrays(world, teacher))
    wanted = keras_side.Request(
        arrays=str(arrays),
        units=units,
        temperature=_TEMPERATURE,
        alpha=_ALPHA,
        rate=student.training.learning_rate,
        batch_size=student.training.batch_size,
        epochs=student.training.epochs,
        timed_epochs=_TIMED_EPOCHS,
        seed=student.training.seed,
    )
    request.write_text(json.dumps(dataclasses.asdict(wanted)), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.distillation.keras_side", str(request), str(result)],
        cwd=_ROOT, env=os.environ | {"TF_USE_LEGACY_KERAS": "0", "KERAS_BACKEND": "tensorflow"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"keras.distillation ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    if not found["teacher_moved"] < _SAME_LOGITS:
        raise SystemExit(f"both sides must have one teacher, but logits differ by {found['teacher_moved']}")
    return found


def _arrays(world: World, teacher: TrainingJob) -> dict[str, Any]:
    """Returns rows, labels, and the teacher's weights and logits for the test rows."""
    import tensorflow as tf

    from benchmarks.search.tables import TABLES
    from benchmarks.search.training import logits_of
    from limbeck.examples import LABEL, TEST, TRAIN
    from limbeck.trainer.session import saved_weights

    spec = {
        "x": tf.io.FixedLenFeature([TABLES[TABLE].columns], tf.float32),
        LABEL: tf.io.FixedLenFeature([], tf.int64),
    }
    found: dict[str, Any] = {"teacher_logits": logits_of(teacher, world.examples[TEST])[:, 0]}
    for split in (TRAIN, TEST):
        parsed = tf.io.parse_example(list(world.examples[split]), spec)
        found[split], found[f"{split}_labels"] = parsed["x"].numpy(), parsed[LABEL].numpy()
    model = world.task.load().build_teacher(teacher.hyperparameters)
    saved_weights.load(model, teacher.model_uri, "the teacher", "build_teacher")
    return found | {f"teacher_{number}": one for number, one in enumerate(model.get_weights())}


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns tables in Markdown: the shortest epoch of several runs, and mean accuracies with a paired difference."""
    ways = [*_OURS, *(f"Keras, {way}" for way in keras_side.WAYS)]
    told = [
        f"| teacher and student, units | runs | {' | '.join(f'{way}, s' for way in ways)} | stored / best Keras | "
        "at each step / best Keras |",
        f"| --- | ---: |{' ---: |' * (len(ways) + 2)}",
    ]
    pairs = {
        pair: [one for one in results if one["pair"] == pair]
        for pair in dict.fromkeys(one["pair"] for one in results)
    }
    for pair, some in pairs.items():
        best = {way: min(one["epoch"][way] for one in some) for way in ways}
        peer = min(best[way] for way in ways if way not in _OURS)
        ratios = [f"{best[way] / peer:.2f}" for way in _OURS]
        told.append(
            f"| {pair} | {len(some)} | {' | '.join(f'{best[way]:.3f}' for way in ways)} | {' | '.join(ratios)} |"
        )
    names = list(results[0]["accuracy"]) if results else []
    told += [
        "",
        f"| teacher and student, units | runs | {' | '.join(f'{name}, %' for name in names)} | ours − {names[2]} |",
        f"| --- | ---: |{' ---: |' * (len(names) + 1)}",
    ]
    for pair, some in pairs.items():
        means = [f"{100 * statistics.mean(one['accuracy'][name] for one in some):.2f}" for name in names]
        ahead = [100 * (one["accuracy"]["ours"] - one["accuracy"][names[2]]) for one in some]
        error = f" ± {statistics.stdev(ahead) / len(ahead) ** 0.5:.2f}" if len(ahead) > 1 else ""
        told.append(f"| {pair} | {len(some)} | {' | '.join(means)} | {statistics.mean(ahead):+.2f}{error} |")
    return [*told, "", f"Keras {', '.join(sorted({one['version'] for one in results}))}."]
