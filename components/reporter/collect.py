"""Computes the findings of a run from its artifacts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from limbeck.components.predictor import tables
from limbeck.components.reporter import curves, label_figures, slices, soft_targets
from limbeck.components.reporter.confusion import confusion
from limbeck.components.reporter.reliability import reliability
from limbeck.components.reporter.roc import roc
from limbeck.components.reporter.scores import Scores, judgeable
from limbeck.examples import TEST, TRAIN
from limbeck.models import MODELS, STUDENT, TEACHER
from limbeck.objectives.objective import Finding
from limbeck.report.findings import Confusion, Findings, LabelFigures, Reliability, Roc, Slice, SoftTarget
from limbeck.task import Task
from limbeck.trainer.distillation import generation_record
from limbeck.trainer.distillation.stored import record as stored
from limbeck.trainer.search import record


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where the findings come from.

    Attributes:
      predictions: folder of Predictor's output.
      training_examples: gzip TFRecord files of the training examples with soft targets.
      evaluation: folder of the Evaluator's output; None if there is none.
      model_runs: folder of each model's ModelRun, by the model's name.
      raw: where the raw training examples are; None if that is not known.
      labelled: folder of TeacherLabeler's output; None if it is not known.
    """

    predictions: str
    training_examples: Sequence[str]
    evaluation: str | None
    model_runs: Mapping[str, str]
    raw: soft_targets.RawExamples | None = None
    labelled: str | None = None


def collect(sources: Sources, task: Task) -> Findings:
    """Returns all findings that the task's objective has.

    Models without a training run are left out. A model cannot be judged if the test split has no labels, or if an
    output is not finite; then it has curves only.

    Raises:
      TaskError: if the examples do not hold the task's picture.
    """
    models = [name for name in MODELS if name in sources.model_runs]
    validated = {name: curves.last_validations(sources.model_runs[name]) for name in models}
    found = {name: of(sources, task, models) for name, of in _FINDINGS.items() if name in task.objective.findings}
    return Findings(
        classes=task.objective.class_names,
        curves={name: curves.read(sources.model_runs[name]) for name in models},
        validation={name: figures for name, figures in validated.items() if figures},
        search=record.read(sources.model_runs[STUDENT]) if STUDENT in models else None,
        generations=generation_record.read(sources.model_runs[STUDENT]) if STUDENT in models else (),
        stored=_stored(sources),
        **found,
    )


def _confusions(sources: Sources, task: Task, models: Sequence[str]) -> dict[str, Confusion]:
    judged = _judged(sources, task, models)
    return {name: confusion(scores, task.objective.class_names) for name, scores in judged.items()}


def _reliabilities(sources: Sources, task: Task, models: Sequence[str]) -> dict[str, Reliability]:
    return {name: reliability(scores) for name, scores in _judged(sources, task, models).items()}


def _rocs(sources: Sources, task: Task, models: Sequence[str]) -> dict[str, Roc]:
    judged = _judged(sources, task, [name for name in models if name in (TEACHER, STUDENT)])
    found = {name: roc(scores) for name, scores in judged.items()}
    return {name: curve for name, curve in found.items() if curve is not None}


def _slices(sources: Sources, task: Task, models: Sequence[str]) -> tuple[Slice, ...]:
    metrics = task.objective.tfma
    if metrics.slice_metric is None or sources.evaluation is None:
        return ()
    outputs = task.objective.outputs if metrics.by_output else None
    return slices.read(sources.evaluation, metrics.slice_metric, defined_by=metrics.defined_by, outputs=outputs)


def _labels(sources: Sources, task: Task, models: Sequence[str]) -> tuple[LabelFigures, ...]:
    return label_figures.read(tables.read_test_split(sources.predictions), models, task.objective)


def _soft_targets(sources: Sources, task: Task, models: Sequence[str]) -> tuple[SoftTarget, ...]:
    predictions = tables.read(sources.predictions, TRAIN, TEACHER)
    chosen = soft_targets.choose(predictions, task.objective)
    return soft_targets.read(chosen, sources.training_examples, task, sources.raw, _stored(sources).labelling)


def _stored(sources: Sources) -> stored.StoredRecord:
    return stored.StoredRecord() if sources.labelled is None else stored.read(sources.labelled)


def _judged(sources: Sources, task: Task, models: Sequence[str]) -> dict[str, Scores]:
    predictions = tables.read_test_split(sources.predictions)
    found = {name: judgeable(predictions, name, TEST, task.objective) for name in models}
    return {name: scores for name, scores in found.items() if scores is not None}


# Findings that only some objectives have: the field of `Findings`, and the function that computes it.
_FINDINGS: Mapping[Finding, Callable[[Sources, Task, Sequence[str]], Any]] = MappingProxyType(
    {
        "confusion": _confusions,
        "labels": _labels,
        "reliability": _reliabilities,
        "roc": _rocs,
        "slices": _slices,
        "soft_targets": _soft_targets,
    }
)
