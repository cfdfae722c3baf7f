"""Trains the models of one table and seed by the product's own training jobs, and scores them on the test split.

All jobs run in this process, one after the other: a process for each would spend its time on importing TensorFlow.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.search.tables import TABLES, rows
from limbeck.examples import LABEL, SPLITS, STUDENT_LABEL, TEST, TRAIN, VALIDATION
from limbeck.models import Targets
from limbeck.reference import TaskRef
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.search import SearchConfig
from limbeck.settings.strategy import StrategyConfig
from limbeck.settings.training import TrainingConfig
from limbeck.trainer.job import TrainingJob

_BATCH_SIZE, _LEARNING_RATE = 64, 0.005
_TEACHERS = 3


@dataclasses.dataclass(frozen=True)
class World:
    """What the trainings of one table and seed share.

    Attributes:
      name: of the table.
      seed: divides the rows, and is the seed of the first weights.
      folder: keeps transform graph, packed data and models.
    """

    name: str
    seed: int
    folder: Path

    @property
    def task(self) -> TaskRef:
        """Where the trainer finds the task."""
        return TaskRef("benchmarks.search.tasks", self.name.upper())

    @functools.cached_property
    def examples(self) -> Mapping[str, Sequence[bytes]]:
        """Serialized transformed examples of each split. The first call transforms them."""
        return _transformed(self)

    def job(self, model: str, targets: Targets, **fields: Any) -> TrainingJob:
        """Returns the job of a model."""
        table, entry = TABLES[self.name], "teacher" if model == "teacher" else "student"
        units = table.teacher_units if entry == "teacher" else table.student_units
        given: dict[str, Any] = {
            "entry": entry,
            "task": self.task,
            "examples_uri": str(self.folder / f"packed-{entry}-{TRAIN}"),
            "transform_graph_uri": str(self.folder / "graph"),
            "model_uri": str(self.folder / model / "model"),
            "record_uri": str(self.folder / model),
            "targets": targets,
            "strategy": StrategyConfig(name="one_device"),
            "training": TrainingConfig(
                epochs=table.epochs,
                batch_size=_BATCH_SIZE,
                learning_rate=_LEARNING_RATE,
                seed=_TEACHERS * self.seed,
                steps_per_call=500,
            ),
            "hyperparameters": {"columns": table.columns, "units": units, "classes": table.classes},
        }
        return TrainingJob(**(given | fields))

    def pack(self, entry: str, split: str, examples: Sequence[bytes]) -> str:
        """Packs examples for the jobs of an entry. Returns the folder."""
        label = LABEL if entry == "teacher" else STUDENT_LABEL
        return packed(self.task, self.folder / "graph", examples, label, self.folder / f"packed-{entry}-{split}")


def measured(world: World) -> dict[str, Any]:
    """Trains teacher, searched student, usual student and control. Returns their test measures and the search."""
    from limbeck.trainer import training
    from limbeck.trainer.search import record

    world.pack("teacher", TRAIN, world.examples[TRAIN])
    teacher = world.job("teacher", "labels", members=_TEACHERS)
    training.run(teacher)
    world.pack("student", TRAIN, labelled(teacher, world.examples[TRAIN]))
    validation = world.pack("student", VALIDATION, world.examples[VALIDATION])
    jobs = {
        "searched": world.job(
            "searched",
            "soft_targets",
            distillation=DistillationConfig(),
            search=SearchConfig(),
            validation_uri=validation,
        ),
        "usual": world.job("usual", "soft_targets", distillation=DistillationConfig(search=False)),
        "labels": world.job("labels", "labels"),
    }
    for job in jobs.values():
        training.run(job)
    found = record.read(jobs["searched"].record_uri)
    figures = {name: measure(world, job) for name, job in {"teacher": teacher, **jobs}.items()}
    trials = [] if found is None else [dataclasses.asdict(one) for one in found.trials]
    chosen = None if found is None else [found.chosen.used_temperature, found.chosen.used_alpha]
    return {"table": world.name, "seed": world.seed, "test": figures, "chosen": chosen, "trials": trials}


def logits_of(job: TrainingJob, examples: Sequence[bytes]) -> Any:
    """Returns what the exported model of a job answers: float32 `[examples, members, classes]`."""
    import tensorflow as tf

    answer = tf.saved_model.load(job.model_uri).signatures["transformed"]
    return answer(tf.constant(list(examples)))["logits"].numpy()


def labelled(teacher: TrainingJob, examples: Sequence[bytes], members: int | None = None) -> list[bytes]:
    """Returns the examples with the soft targets of a teacher, or of the first members of its ensemble."""
    from limbeck.components.teacher_labeler.examples import attach_logits

    return [
        attach_logits(example, logits[:members])
        for example, logits in zip(examples, logits_of(teacher, examples), strict=True)
    ]


def measure(world: World, job: TrainingJob, members: int | None = None) -> float:
    """Returns the measure of a model on the test split, or of the first members of an ensemble."""
    import numpy as np
    import tensorflow as tf

    objective, examples = world.task.load().objective, world.examples[TEST]
    outputs = np.stack([objective.ensemble(one[:members]) for one in logits_of(job, examples)]).astype(np.float64)
    labels = tf.io.parse_example(list(examples), {LABEL: objective.label_spec()})[LABEL].numpy()
    return objective.statistic.value(outputs, labels)


def _transformed(world: World) -> dict[str, list[bytes]]:
    """Analyzes the training split, and transforms all splits, as the node Transform does."""
    import tensorflow as tf

    given: dict[str, list[dict[str, Any]]] = {split: [] for split in SPLITS}
    for split, row in rows(world.name, world.seed):
        given[split].append(row)
    one = tf.io.FixedLenFeature([], tf.int64)
    spec = {"x": tf.io.FixedLenFeature([TABLES[world.name].columns], tf.float32), "y": one, "told": one}
    return transformed(world.task, spec, given, world.folder)


def transformed(
    task: TaskRef, spec: Mapping[str, Any], given: Mapping[str, Sequence[Mapping[str, Any]]], folder: Path
) -> dict[str, list[bytes]]:
    """Analyzes the training split, and transforms all splits, as the node Transform does.

    Args:
      task: where the task is.
      spec: the parsing spec of the raw features.
      given: the raw rows of each split.
      folder: an existing folder, which receives the transform graph as `graph`.

    Returns:
      The serialized transformed examples of each split.
    """
    import tensorflow_transform as tft
    import tensorflow_transform.beam as tft_beam
    from tensorflow_transform.tf_metadata import dataset_metadata, metadata_io

    from limbeck.trainer.data.preprocessing import preprocess

    metadata = dataset_metadata.DatasetMetadata.from_feature_spec(dict(spec))
    found = {}
    with tft_beam.Context(temp_dir=str(folder / "scratch")):
        function = (given[TRAIN], metadata) | tft_beam.AnalyzeDataset(functools.partial(preprocess, task.load()))
        _ = function | tft_beam.WriteTransformFn(str(folder / "graph"))
        for split, some in given.items():
            made, kind = ((some, metadata), function) | tft_beam.TransformDataset()
            coder = tft.coders.ExampleProtoCoder(kind.schema)
            found[split] = [coder.encode(row) for row in made]
    metadata_io.write_metadata(metadata, str(folder / "graph" / tft.TFTransformOutput.RAW_METADATA_DIR))
    return found


def packed(task: TaskRef, graph: Path, examples: Sequence[bytes], label: str, folder: Path) -> str:
    """Packs transformed examples into a new folder, with the label of teachers or of students. Returns the folder."""
    import tensorflow as tf

    from limbeck.trainer.data.packing import pack
    from limbeck.trainer.session.inputs import packed_spec

    folder.mkdir()
    file = folder.with_suffix(".gz")
    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for example in examples:
            writer.write(example)
    objective = task.load().objective
    pack([str(file)], folder, packed_spec(str(graph), objective), label, objective)
    return str(folder)
