"""Runs one training of the benchmark with the project's own job, launcher, labelling and scoring, but without TFX.

`launch` may run in any thread: it starts a process that trains. `score` uses TensorFlow in this process, so the
benchmark calls it from one thread only.
"""

from __future__ import annotations

import dataclasses
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.digits.data import Data, pack_once, with_all_labels
from benchmarks.digits.plan import Training
from benchmarks.digits.results import Figures, Result
from benchmarks.digits.variants import ALL_LABELS
from limbeck.examples import LABEL, STUDENT_LABEL, TEST, TRAIN, VALIDATION
from limbeck.models import HARD_LABELS, TEACHER
from limbeck.reference import TaskRef
from limbeck.trainer.job import TrainingJob

_ON_LABELS = (TEACHER, HARD_LABELS, ALL_LABELS)


@dataclasses.dataclass(frozen=True)
class Trained:
    """A training whose process has ended: the folder of its model, and its duration in seconds."""

    training: Training
    folder: Path
    seconds: float


@dataclasses.dataclass(frozen=True)
class TrainingRunner:
    """Trains and scores.

    Attributes:
      folder: keeps packed data and models.
      task: where processes find the task.
      data: the transformed examples.
    """

    folder: Path
    task: TaskRef
    data: Data

    def prepare(self) -> None:
        """Packs data that do not depend on teachers, and removes what a killed run left. Call it before `launch`."""
        shutil.rmtree(self._models, ignore_errors=True)
        self._models.mkdir()
        train = self.data.examples[TRAIN]
        objective, graph = self.task.load().objective, self.data.transform_graph
        pack_once(train, self._packed(TEACHER), graph, LABEL, objective)
        pack_once(train, self._packed(HARD_LABELS), graph, STUDENT_LABEL, objective)
        pack_once(map(with_all_labels, train), self._packed(ALL_LABELS), graph, STUDENT_LABEL, objective)

    def launch(self, training: Training) -> Trained:
        """Trains in a new process."""
        from limbeck.launchers.cluster import Cluster
        from limbeck.launchers.launch import launch

        folder = Path(tempfile.mkdtemp(dir=self._models))
        job = self._job(training, folder)
        begin = time.monotonic()
        launch(job, Cluster.of(job.strategy))
        return Trained(training, folder, time.monotonic() - begin)

    def score(self, trained: Trained) -> Result:
        """Scores the model and removes it. If it is an ensemble of teachers, keeps its soft targets."""
        from limbeck.components.predictor.tables import answers, quality

        training, splits, objective = trained.training, [VALIDATION], self.task.load().objective
        if training.final:
            splits.append(TEST)
        if training.model == TEACHER:
            splits.append(TRAIN)
        table = self._predictions(trained, splits)
        found = {split: quality(table, training.model, split, objective) for split in splits}
        figures = {split: Figures(one.score, one.loss) for split, one in found.items()}
        right: list[float] = []
        if training.final:
            given = answers(table, TEST, objective)
            right = objective.scores(given.outputs[training.model], given.labels).tolist()
        shutil.rmtree(trained.folder)
        return Result(
            training,
            trained.seconds,
            train=figures.get(TRAIN),
            validation=figures[VALIDATION],
            test=figures.get(TEST),
            test_right="".join("01"[int(one)] for one in right),
        )

    def _predictions(self, trained: Trained, splits: list[str]) -> Any:
        import pyarrow as pa

        from limbeck.components.inference.handler import TransformedExamplesHandler
        from limbeck.components.predictor import executor
        from limbeck.components.predictor.rows import teacher_row
        from limbeck.components.predictor.tables import schema
        from limbeck.components.teacher_labeler.examples import attach_logits

        objective = self.task.load().objective
        handler = TransformedExamplesHandler(str(trained.folder / "model"))
        model, training, rows = handler.load_model(), trained.training, []
        for split in splits:
            scored = _scored(handler, model, self.data.examples[split])
            if training.model != TEACHER:
                rows += [executor.student_row(one, training.model, split) for one in scored]
                continue
            labelled = [attach_logits(one.example, one.inference) for one in scored]
            rows += [teacher_row(one, objective, split) for one in labelled]
            if split == TRAIN:
                pack_once(
                    labelled, self._packed(training.key), self.data.transform_graph, STUDENT_LABEL, objective
                )
        return pa.Table.from_pylist(rows, schema=schema(objective))

    @property
    def _models(self) -> Path:
        return self.folder / "models"

    def _packed(self, name: str) -> Path:
        return self.folder / "packed" / name

    def _job(self, training: Training, folder: Path) -> TrainingJob:
        from limbeck.settings.strategy import StrategyConfig

        packed = self._packed(training.model if training.model in _ON_LABELS else training.teachers)
        return TrainingJob(
            entry="teacher" if training.model == TEACHER else "student",
            task=self.task,
            examples_uri=str(packed),
            transform_graph_uri=str(self.data.transform_graph),
            model_uri=str(folder / "model"),
            record_uri=str(folder),
            targets=training.targets,
            strategy=StrategyConfig(name="one_device"),
            training=training.training,
            members=training.members,
            distillation=training.distillation,
        )


def _scored(handler: Any, model: Any, examples: tuple[bytes, ...]) -> list[Any]:
    from limbeck.components.inference.batches import BATCH_SIZE

    batches = [examples[begin : begin + BATCH_SIZE] for begin in range(0, len(examples), BATCH_SIZE)]
    return [one for batch in batches for one in handler.run_inference(batch, model)]
