"""Stored soft targets against a teacher that answers at each step: time of an epoch, and when storing has paid.

Both trainings see the same examples in the same order and learn the same. The teacher at each step is the product's
own (`distillation.inputs=augmented`), with an augmentation that changes nothing.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

TABLE, STUDENT_UNITS = "letters", 256
RATIOS = (1, 10, 50, 200)
# The difference of both has neither the tracing of the step nor the building of the models. An epoch takes some
# hundredths of a second, and tracing now and then half a second more.
_SHORT, _LONG = 5, 155
_MOST = 0.35
_OF = 50


def measured(ratio: int, seed: int, folder: Path) -> dict[str, Any]:
    """Measures one size of teacher, as a multiple of the student's weights. All times are seconds."""
    from benchmarks.search.training import World
    from limbeck.examples import TRAIN
    from limbeck.trainer import training

    world = World(TABLE, seed, folder)
    world.pack("teacher", TRAIN, world.examples[TRAIN])
    teacher = world.job(
        "teacher", "labels", hyperparameters=network(ratio * STUDENT_UNITS), training=_epochs(world, 1)
    )
    training.run(teacher)
    labelling, examples = _labelling(teacher, world.examples[TRAIN], folder)
    uri = world.pack("student", TRAIN, examples)
    found = {name: epoch(world, teacher, uri, name, STUDENT_UNITS) for name in ("stored", "at each step")}
    return {"ratio": ratio, "seed": seed, "labelling": labelling, "epoch": found, "examples": len(examples)}


def lines(results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Returns the table in Markdown, with the best of several runs of each size."""
    told = [
        "| teacher / student, weights | epoch, stored, s | epoch, teacher at each step, s | ratio | labelling, s | "
        "break-even epoch |",
        "| ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    goal: list[str] = []
    for ratio in dict.fromkeys(one["ratio"] for one in results):
        some = [one for one in results if one["ratio"] == ratio]
        stored, live = (min(one["epoch"][name] for one in some) for name in ("stored", "at each step"))
        labelling = min(one["labelling"] for one in some)
        even = break_even(stored, live, labelling) or "never"
        told.append(f"| {ratio} | {stored:.3f} | {live:.3f} | {stored / live:.2f} | {labelling:.2f} | {even} |")
        if ratio == _OF:
            verdict = "reached" if stored / live <= _MOST else "missed"
            goal = [
                "",
                f"The goal, at most {_MOST} of an epoch at a teacher {_OF} times the student, is {verdict}.",
            ]
    return told + goal


def break_even(stored: float, live: float, labelling: float) -> int | None:
    """Returns the first epoch at whose end stored soft targets, labelling included, took no longer; None if never."""
    saved = live - stored
    return max(1, math.ceil(labelling / saved)) if saved > 0 else None


def network(units: int) -> dict[str, Any]:
    """Returns the hyperparameters of a network with so many hidden units."""
    from benchmarks.search.tables import TABLES

    return {"columns": TABLES[TABLE].columns, "units": units, "classes": TABLES[TABLE].classes}


def _epochs(world: Any, epochs: int) -> Any:
    return dataclasses.replace(world.job("plan", "labels").training, epochs=epochs)


def epoch(world: Any, teacher: Any, uri: str, name: str, units: int) -> float:
    """Returns the seconds of an epoch of a student with so many hidden units.

    Args:
      world: the table.
      teacher: the job of the teachers, which is done.
      uri: folder of the packed training split with soft targets.
      name: `stored`, or `at each step` for a teacher that answers at each step.
      units: hidden units of the student.
    """
    from limbeck.reference import TaskRef
    from limbeck.settings.distillation import DistillationConfig
    from limbeck.trainer import training

    inputs: Literal["stored", "augmented"] = "stored" if name == "stored" else "augmented"
    seconds: list[float] = []
    for epochs in (_SHORT, _LONG):
        job = world.job(
            f"{inputs}-{epochs}",
            "soft_targets",
            task=TaskRef("benchmarks.distillation.task", "UNCHANGED"),
            examples_uri=uri,
            hyperparameters=network(units),
            training=_epochs(world, epochs),
            distillation=DistillationConfig(temperature=2.0, alpha=0.9, search=False, inputs=inputs),
            teacher_uri=teacher.model_uri,
            teacher_hyperparameters=teacher.hyperparameters,
        )
        training.run(job)
        seconds.append(json.loads((Path(job.record_uri) / "rank-0.json").read_text())["seconds"])
    return (seconds[1] - seconds[0]) / (_LONG - _SHORT)


def _labelling(teacher: Any, examples: Sequence[bytes], folder: Path) -> tuple[float, list[bytes]]:
    """Labels examples in Beam, from file to file, as TeacherLabeler does. Returns the seconds, and the examples."""
    import apache_beam as beam
    import tensorflow as tf
    from apache_beam.ml.inference.base import RunInference

    from limbeck.components.inference.handler import TransformedExamplesHandler
    from limbeck.components.teacher_labeler.examples import attach_logits

    given = str(folder / "given.gz")
    with tf.io.TFRecordWriter(given, "GZIP") as writer:
        for one in examples:
            writer.write(one)
    began = time.perf_counter()
    with beam.Pipeline() as pipeline:
        _ = (
            pipeline
            | beam.io.ReadFromTFRecord(given)
            | RunInference(TransformedExamplesHandler(teacher.model_uri))
            | beam.Map(lambda scored: attach_logits(scored.example, scored.inference))
            | beam.io.WriteToTFRecord(str(folder / "labelled"), file_name_suffix=".gz")
        )
    seconds = time.perf_counter() - began
    files = sorted(str(one) for one in folder.glob("labelled*.gz"))
    return seconds, list(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator())
