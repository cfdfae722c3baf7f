"""Trains the transformers of one seed by the product's own training jobs, and keeps what they answer.

A run of the pipeline is more than its trainings: a seed of two runs spends half of its time on nodes that do the same
work for every seed. Here sentences are transformed once, and each model is one training job, all in this process.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from limbeck.examples import LABEL, SPLITS, STUDENT_LABEL, TEST, TRAIN, VALIDATION
from limbeck.models import Targets
from limbeck.reference import TaskRef
from limbeck.settings.distillation import DistillationConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from limbeck.settings.config import Config
    from limbeck.tasks.languages.selection import Sentence
    from limbeck.trainer.job import TrainingJob

TEACHER = "teacher"
_JUDGED = (VALIDATION, TEST)
_EXAMPLES_OF_A_CALL, _STEPS_OF_A_CALL = 1000, 100
_TIMED_EXAMPLES = 256


@dataclasses.dataclass(frozen=True)
class Student:
    """How a student is trained.

    Attributes:
      from_blocks: whether it begins with blocks of its teacher, as in the task; otherwise with weights of its own.
      targets: what it learns from.
      distillation: its loss, if it learns from soft targets.
    """

    from_blocks: bool
    targets: Targets
    distillation: DistillationConfig | None = None


def soft(temperature: float, alpha: float, soft_targets: float = 1.0, cosine: float = 0.0) -> DistillationConfig:
    """Returns a loss that no search has chosen.

    Args:
      temperature: of the soft targets.
      alpha: share of the transfer objectives.
      soft_targets: weight of the soft targets among them.
      cosine: weight of the cosine of the last hidden states.
    """
    return DistillationConfig(
        temperature=temperature,
        alpha=alpha,
        soft_target_weight=soft_targets,
        hidden_cosine_weight=cosine,
        search=False,
    )


# DistilBERT weighs soft targets by 5, its labels (those of masked words) by 2, and the cosine of hidden states by 1, at
# temperature 2 (its published training script). Alpha 1/3 makes a third of all three.
TRIPLE = soft(2.0, 1 / 3, soft_targets=5.0, cosine=1.0)
USUAL = soft(2.0, 0.9)
_KINDS: Mapping[str, tuple[Targets, DistillationConfig | None]] = MappingProxyType(
    {
        "labels alone": ("labels", None),
        "pseudo-labels": ("pseudo_labels", None),
        "soft targets": ("soft_targets", USUAL),
        "triple loss": ("soft_targets", TRIPLE),
    }
)
BEGINNINGS = MappingProxyType({"teacher's blocks": True, "from scratch": False})
# What the search of the product tries beside labels alone and the usual loss.
_SEARCHED = ((1.0, 0.9), (4.0, 0.9), (1.0, 0.5), (2.0, 0.5), (4.0, 0.5))


def students(*, searched: bool) -> dict[str, Student]:
    """Returns the students by name, with those of the search if they are wanted."""
    found = {
        f"{kind}, {beginning}": Student(from_blocks, targets, loss)
        for beginning, from_blocks in BEGINNINGS.items()
        for kind, (targets, loss) in _KINDS.items()
    }
    if searched:
        for values in _SEARCHED:
            found[f"T {values[0]:g}, alpha {values[1]:g}"] = Student(True, "soft_targets", soft(*values))
    return found


@dataclasses.dataclass(frozen=True)
class Data:
    """The sentences, transformed once for all seeds, in a folder."""

    folder: Path

    @property
    def graph(self) -> Path:
        """The transform graph."""
        return self.folder / "graph"

    @property
    def timed(self) -> Path:
        """A file of raw examples, as the measurement of latency reads it."""
        return self.folder / "raw.gz"

    def examples(self, split: str) -> list[bytes]:
        """Returns the serialized transformed examples of a split."""
        import tensorflow as tf

        dataset = tf.data.TFRecordDataset(str(self.folder / f"{split}.gz"), "GZIP")
        return [record.numpy() for record in dataset]

    def labels(self, split: str) -> npt.NDArray[np.int64]:
        """Returns the labels of a split, int64 `[examples]`."""
        import tensorflow as tf

        spec = {LABEL: task(from_blocks=True).load().objective.label_spec()}
        return np.asarray(tf.io.parse_example(self.examples(split), spec)[LABEL].numpy())


def task(*, from_blocks: bool) -> TaskRef:
    """Returns the place of the task with a student of one beginning."""
    return (
        TaskRef("limbeck.tasks.languages", "TASK")
        if from_blocks
        else TaskRef("benchmarks.languages.from_scratch", "TASK")
    )


def data_in(folder: Path) -> Data:
    """Returns the data in a folder, which this function transforms unless an earlier call did."""
    import tensorflow as tf

    from benchmarks.search.training import transformed
    from limbeck.tasks.languages import data
    from limbeck.tasks.languages.selection import divide, select
    from limbeck.tasks.languages.translations import translations

    if folder.is_dir():
        return Data(folder)
    # Nothing half-written must be taken for the data.
    unfinished = folder.with_name(f"{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    divided = divide(select(translations()).sentences)
    given = {
        split: [{data.TEXT: one.text.encode(), data.LANGUAGE: one.language.encode()} for one in divided[split]]
        for split in SPLITS
    }
    text = tf.io.FixedLenFeature([], tf.string)
    found = transformed(task(from_blocks=True), {data.TEXT: text, data.LANGUAGE: text}, given, unfinished)
    for split, examples in found.items():
        write(unfinished / f"{split}.gz", examples)
    raw = [_raw_example(row) for row in given[TEST][:_TIMED_EXAMPLES]]
    write(unfinished / "raw.gz", raw)
    unfinished.rename(folder)
    return Data(folder)


def _raw_example(row: Mapping[str, bytes]) -> bytes:
    import tensorflow as tf

    feature = {name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value])) for name, value in row.items()}
    return bytes(tf.train.Example(features=tf.train.Features(feature=feature)).SerializeToString())


def write(file: Path, examples: Sequence[bytes]) -> None:
    """Writes examples as a TFRecord file, compressed by gzip."""
    import tensorflow as tf

    with tf.io.TFRecordWriter(str(file), "GZIP") as writer:
        for example in examples:
            writer.write(example)


@dataclasses.dataclass(frozen=True)
class Seed:
    """The models of one seed, in a folder. A model whose answers are kept is not trained again.

    Attributes:
      data: the sentences.
      config: the settings of the task.
      number: of the seed.
      epochs: passes of the teacher.
      folder: keeps the models and their answers.
    """

    data: Data
    config: Config
    number: int
    epochs: int
    folder: Path

    def train(self, wanted: Mapping[str, Student]) -> None:
        """Trains the teacher and these students, and keeps their answers."""
        missing = {name: one for name, one in wanted.items() if not self.file(name).is_file()}
        if not missing:
            return
        self.folder.mkdir(exist_ok=True)
        # The task has metrics, which the end of an epoch shows.
        self._packed("validation", lambda: self.data.examples(VALIDATION), LABEL)
        if not self.file(TEACHER).is_file():
            uri = self._packed("of-teacher", lambda: self.data.examples(TRAIN), LABEL)
            self._run(TEACHER, self._job(TEACHER, uri, self.epochs))
        uri = self._labelled()
        for name, student in missing.items():
            self._run(name, self._student(name, student, uri))

    def file(self, name: str) -> Path:
        """Returns the file of a model's logits for the validation and the test split."""
        return self.folder / f"{name}.npz"

    def model(self, name: str) -> Path:
        """Returns the folder of a model."""
        return self.folder / name / "model"

    def weights(self, name: str) -> int:
        """Returns how many weights a model has."""
        return int(json.loads((self.folder / name / "history.json").read_text(encoding="utf-8"))["parameters"])

    def answers(self, name: str, split: str) -> npt.NDArray[np.float64]:
        """Returns a model's logits for a split, float64 `[examples, languages]`."""
        with np.load(self.file(name)) as kept:
            return np.asarray(kept[split], np.float64)

    def _run(self, name: str, job: TrainingJob) -> None:
        from limbeck.trainer import training

        # What an interrupted training left.
        shutil.rmtree(self.folder / name, ignore_errors=True)
        training.run(job)
        found = {split: logits_of(self.model(name), self.data.examples(split)) for split in _JUDGED}
        unfinished = self.folder / "unfinished.npz"
        np.savez(unfinished, **found)
        unfinished.rename(self.file(name))

    def _student(self, name: str, student: Student, uri: str) -> TrainingJob:
        return dataclasses.replace(
            self._job(name, uri, self.config.training.epochs),
            entry="student",
            targets=student.targets,
            task=task(from_blocks=student.from_blocks),
            distillation=student.distillation,
            teacher_uri=str(self.model(TEACHER)),
        )

    def _job(self, name: str, uri: str, epochs: int) -> TrainingJob:
        """Returns the job of a model on labels."""
        from limbeck.settings.strategy import StrategyConfig
        from limbeck.trainer.job import TrainingJob

        return TrainingJob(
            entry="teacher",
            task=task(from_blocks=True),
            examples_uri=uri,
            validation_uri=str(self.folder / "validation"),
            transform_graph_uri=str(self.data.graph),
            model_uri=str(self.model(name)),
            record_uri=str(self.folder / name),
            targets="labels",
            strategy=StrategyConfig(name="one_device"),
            training=dataclasses.replace(
                self.config.training, epochs=epochs, seed=1000 * self.number, steps_per_call=_STEPS_OF_A_CALL
            ),
        )

    def _labelled(self) -> str:
        """Returns the folder of the packed training split with the soft targets of the teacher."""
        from limbeck.components.teacher_labeler.examples import attach_logits

        def examples() -> list[bytes]:
            some = self.data.examples(TRAIN)
            logits = logits_of(self.model(TEACHER), some)
            return [attach_logits(one, its[np.newaxis]) for one, its in zip(some, logits, strict=True)]

        return self._packed("of-students", examples, STUDENT_LABEL)

    def _packed(self, name: str, examples: Callable[[], list[bytes]], label: str) -> str:
        from benchmarks.search.training import packed

        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        return packed(task(from_blocks=True), self.data.graph, examples(), label, folder)


def messages(sentences: Sequence[Sentence], labels: npt.NDArray[np.int64]) -> list[str]:
    """Returns the message of each sentence of a split, whose labels are given in the order of the examples.

    Raises:
      SystemExit: if the examples are in another order than the sentences.
    """
    from limbeck.tasks.languages.data import LANGUAGES

    if [one.language for one in sentences] != [LANGUAGES[label] for label in labels]:
        raise SystemExit(
            "the transformed examples are in another order than the sentences: remove the folder `data`"
        )
    return [one.message for one in sentences]


def logits_of(model: Path, examples: Sequence[bytes]) -> npt.NDArray[np.float32]:
    """Returns what an exported model answers to transformed examples: float32 `[examples, languages]`."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    answer = loaded.signatures["transformed"]
    parts = [
        examples[first : first + _EXAMPLES_OF_A_CALL] for first in range(0, len(examples), _EXAMPLES_OF_A_CALL)
    ]
    return np.concatenate([answer(tf.constant(list(part)))["logits"].numpy()[:, 0] for part in parts])
