"""Trains several students of one kind, and judges each on the validation and on the test split.

A loss is chosen on the validation split, and the test split judges what was chosen. All seeds choose for themselves:
they divide the rows anew, so the validation rows of one seed are test rows of another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.search.training import World
    from limbeck.trainer.job import TrainingJob
    from limbeck.trainer.search.choice import Judged

TEMPERATURES = (1.0, 2.0, 4.0)
ALPHAS = (0.9, 0.5)


@dataclasses.dataclass(frozen=True)
class Student:
    """A student that was trained.

    Attributes:
      setting: what it was trained with, in words.
      judged: on the validation split, as the product's search judges.
      test: its accuracy on the test split.
    """

    setting: str
    judged: Judged
    test: float


def trained(world: World, jobs: Mapping[str, TrainingJob]) -> list[Student]:
    """Trains the job of each setting, in this order, and judges its student."""
    from benchmarks.search.training import measure
    from limbeck.trainer import training

    students = []
    for setting, job in jobs.items():
        training.run(job)
        students.append(Student(setting, _judged(world, job), measure(world, job)))
    return students


def distilled(world: World, name: str, **fields: Any) -> dict[str, TrainingJob]:
    """Returns the jobs of a student with each temperature and alpha that the product's search tries."""
    from limbeck.settings.distillation import DistillationConfig

    return {
        setting(temperature, alpha): world.job(
            f"{name}-{temperature:g}-{alpha:g}",
            "soft_targets",
            distillation=DistillationConfig(temperature=temperature, alpha=alpha, search=False),
            **fields,
        )
        for alpha in ALPHAS
        for temperature in TEMPERATURES
    }


def setting(temperature: float, alpha: float) -> str:
    """Returns the words for a temperature and an alpha."""
    return f"T {temperature:g}, alpha {alpha:g}"


def best(students: Iterable[Student]) -> Student:
    """Returns the student with the best validation accuracy, and among equal ones the one with the lowest loss."""
    return max(students, key=lambda one: one.judged.rank)


def searched(labels: Student, students: Sequence[Student]) -> Student:
    """Returns the student that the product's search takes: labels alone, unless chance does not explain another."""
    from limbeck.trainer.search import choice

    found = [labels, *students]
    taken = choice.choose([one.judged for one in found], 0, others=len(students))
    if taken is None:
        raise AssertionError("labels alone were judged")
    return found[taken]


def _judged(world: World, job: TrainingJob) -> Judged:
    import tensorflow as tf

    from benchmarks.search.training import logits_of
    from limbeck.examples import LABEL, VALIDATION
    from limbeck.trainer.search import choice

    objective, examples = world.task.load().objective, world.examples[VALIDATION]
    labels = tf.io.parse_example(list(examples), {LABEL: objective.label_spec()})[LABEL].numpy()
    judged = choice.judge(objective, logits_of(job, examples)[:, 0], labels)
    if judged is None:
        raise SystemExit(f"the student in {job.record_uri} has an output that is not finite")
    return judged
