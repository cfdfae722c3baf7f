"""Soft targets against pseudo-labels: the teachers know all labels, and the student is told few of them.

A pseudo-label is the teachers' most probable class. It brings the unlabelled rows to the student as soft targets do, so
the difference between both is what the other classes say. All students are tuned as much: six settings each, of which
the validation split takes one.
"""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.search.training import World
    from limbeck.trainer.job import TrainingJob

TABLES = ("few_labels", "few_letters")
_RATES = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04)
# Soft targets are tuned in two ways, and so in as many settings.
_RATES_OF_SOFT_TARGETS = (0.005, 0.01)
_ALPHA = 0.9
_TEACHERS = "teachers"
_LABELS, _PSEUDO, _SOFT, _ALL = "few labels", "pseudo-labels", "soft targets", "all labels"
STUDENTS = (_LABELS, _PSEUDO, _SOFT, _ALL)


def measured(table: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains teachers and students of one table and seed. Returns the accuracy of each on the test split."""
    from benchmarks.distillation import tuning
    from benchmarks.search.training import World, labelled, measure
    from limbeck.examples import TRAIN
    from limbeck.trainer import training

    world = World(table, seed, folder)
    every_label = world.pack("teacher", TRAIN, world.examples[TRAIN])
    teacher = world.job("teacher", "labels", members=3)
    training.run(teacher)
    world.pack("student", TRAIN, labelled(teacher, world.examples[TRAIN]))
    found, chosen = {_TEACHERS: measure(world, teacher)}, {}
    for kind, jobs in _jobs(world, every_label).items():
        taken = tuning.best(tuning.trained(world, jobs))
        found[kind], chosen[kind] = taken.test, taken.setting
    return {
        "table": table,
        "seed": seed,
        "accuracy": found,
        "chosen": chosen,
        "examples": len(world.examples["test"]),
    }


def _jobs(world: World, every_label: str) -> dict[str, dict[str, TrainingJob]]:
    """Returns the jobs of each kind of student by setting."""
    plain = {
        kind: {
            _rate(rate): world.job(
                f"{kind}-{rate:g}",
                "pseudo_labels" if kind == _PSEUDO else "labels",
                training=_at(world, rate),
                # A teacher sees every label, and all networks of these tables are built alike.
                **({"entry": "teacher", "examples_uri": every_label} if kind == _ALL else {}),
            )
            for rate in _RATES
        }
        for kind in (_LABELS, _PSEUDO, _ALL)
    }
    return plain | {_SOFT: _taught(world)}


def _taught(world: World) -> dict[str, TrainingJob]:
    from benchmarks.distillation import tuning
    from limbeck.settings.distillation import DistillationConfig

    return {
        f"{_rate(rate)}, T {temperature:g}": world.job(
            f"{_SOFT}-{rate:g}-{temperature:g}",
            "soft_targets",
            training=_at(world, rate),
            distillation=DistillationConfig(temperature=temperature, alpha=_ALPHA, search=False),
        )
        for rate in _RATES_OF_SOFT_TARGETS
        for temperature in tuning.TEMPERATURES
    }


def _rate(rate: float) -> str:
    return f"rate {rate:g}"


def _at(world: World, rate: float) -> Any:
    return dataclasses.replace(world.job("plan", "labels").training, learning_rate=rate)


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns tables in Markdown: accuracies with the recovered gap, paired differences, and what was chosen."""
    tables = {
        table: [one for one in results if one["table"] == table]
        for table in dict.fromkeys(one["table"] for one in results)
    }
    told = [
        f"| table | seeds | test rows | {_TEACHERS} | {' | '.join(STUDENTS)} | gap recovered by {_SOFT} |",
        f"| --- |{' ---: |' * (len(STUDENTS) + 4)}",
    ]
    for table, runs in tables.items():
        means = {name: _mean([one["accuracy"][name] for one in runs]) for name in (_TEACHERS, *STUDENTS)}
        gap = means[_TEACHERS] - means[_LABELS]
        share = f"{(means[_SOFT] - means[_LABELS]) / gap:.2f}" if gap > 0 else "no gap"
        cells = " | ".join(f"{100 * one:.2f}" for one in means.values())
        told.append(f"| {table} | {len(runs)} | {runs[0]['examples']} | {cells} | {share} |")
    told += [
        "",
        "| table | difference | points | better / equal / worse | p |",
        "| --- | --- | ---: | ---: | ---: |",
        *(_compared(table, runs, other) for table, runs in tables.items() for other in (_PSEUDO, _LABELS, _ALL)),
        "",
        "| table | student | settings that were taken, and in how many seeds |",
        "| --- | --- | --- |",
        *(_choices(table, runs, kind) for table, runs in tables.items() for kind in STUDENTS),
    ]
    return told


def _compared(table: str, runs: Sequence[Mapping[str, Any]], other: str) -> str:
    """Returns the row of soft targets less another student, with the p-value of an exact test of flipped signs."""
    import numpy as np

    from benchmarks.digits.significance import sign_flip_p_value

    # Integers, so that equal sums compare as equal.
    won = np.array(
        [round((one["accuracy"][_SOFT] - one["accuracy"][other]) * one["examples"]) for one in runs], np.int64
    )
    points = [100 * int(count) / one["examples"] for count, one in zip(won, runs, strict=True)]
    error = f" ± {statistics.stdev(points) / math.sqrt(len(points)):.2f}" if len(points) > 1 else ""
    counts = f"{int((won > 0).sum())} / {int((won == 0).sum())} / {int((won < 0).sum())}"
    return (
        f"| {table} | {_SOFT} − {other} | {_mean(points):+.2f}{error} | {counts} | {sign_flip_p_value(won):.3f} |"
    )


def _choices(table: str, runs: Sequence[Mapping[str, Any]], kind: str) -> str:
    counted = Counter(one["chosen"][kind] for one in runs).most_common()
    return f"| {table} | {kind} | {'; '.join(f'{setting} ({count})' for setting, count in counted)} |"


def _mean(values: Sequence[float]) -> float:
    return statistics.mean(values)
