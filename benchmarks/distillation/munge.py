"""Does MUNGE help on a small table? Students on rows that it makes, beside students on the rows that there are."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

TABLES = ("wine", "breast_cancer", "digits")
_STUDENTS = ("labels", "stored, alpha 0.9", "stored, alpha 1", "munge")
_BESIDE = "stored, alpha 1"


def measured(table: str, seed: int, folder: Path) -> dict[str, Any]:
    """Trains teachers and students of one table and seed. Returns the accuracy of each on the test split."""
    from benchmarks.search.training import World, labelled, measure
    from limbeck.examples import TRAIN
    from limbeck.settings.distillation import DistillationConfig
    from limbeck.trainer import training

    world = World(table, seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    teacher = world.job("teacher", "labels", members=3)
    training.run(teacher)
    world.pack("student", TRAIN, labelled(teacher, world.examples[TRAIN]))
    losses = {
        "stored, alpha 0.9": DistillationConfig(temperature=2.0, alpha=0.9, search=False),
        "stored, alpha 1": DistillationConfig(temperature=2.0, alpha=1.0, search=False),
        "munge": DistillationConfig(temperature=2.0, alpha=1.0, search=False, inputs="munge"),
    }
    found = {"teachers": measure(world, teacher)}
    for number, name in enumerate(_STUDENTS):
        taught = {"distillation": losses[name]} if name in losses else {}
        job = world.job(
            f"student-{number}",
            "soft_targets" if taught else "labels",
            teacher_uri=teacher.model_uri,
            teacher_hyperparameters=teacher.hyperparameters,
            **taught,
        )
        training.run(job)
        found[name] = measure(world, job)
    return {"table": table, "seed": seed, "accuracy": found}


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the table in Markdown: mean accuracies, and munge less the student on the rows that there are."""
    told = [
        f"| table | runs | teachers | {' | '.join(_STUDENTS)} | munge less {_BESIDE} |",
        f"| --- | ---: | ---: |{' ---: |' * (len(_STUDENTS) + 1)}",
    ]
    for table in dict.fromkeys(one["table"] for one in results):
        runs = [one["accuracy"] for one in results if one["table"] == table]
        means = " | ".join(
            f"{100 * statistics.mean(one[name] for one in runs):.2f}" for name in ("teachers", *_STUDENTS)
        )
        gains = [100 * (one["munge"] - one[_BESIDE]) for one in runs]
        error = statistics.stdev(gains) / len(gains) ** 0.5 if len(gains) > 1 else 0.0
        told.append(f"| {table} | {len(runs)} | {means} | {statistics.mean(gains):+.2f} ± {error:.2f} |")
    return told
