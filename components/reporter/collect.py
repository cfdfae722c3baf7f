"""From the artifacts of a run to its findings."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import pyarrow as pa

from components.reporter import curves, slices, soft_targets
from components.reporter.confusion import confusion
from components.reporter.reliability import reliability
from components.reporter.scores import judgeable
from limbeck.examples import TEST
from limbeck.models import MODELS
from limbeck.task import Task
from report.findings import Findings


@dataclasses.dataclass(frozen=True)
class Sources:
    """Where the findings come from.

    Attributes:
      predictions: the table of `components.predictor`.
      training_examples: gzip TFRecord files of the training examples with soft targets.
      evaluation: folder of the Evaluator's output.
      model_runs: folder of each model's ModelRun, by the model's name.
    """

    predictions: pa.Table
    training_examples: Sequence[str]
    evaluation: str
    model_runs: Mapping[str, str]


def collect(sources: Sources, task: Task) -> Findings:
    """Finds out everything that `Findings` holds.

    Models without a training run are left out; those that cannot be judged, because the test split has no labels or a
    logit is not finite, have curves only.

    Raises:
      TaskError: where the examples do not hold the task's picture.
    """
    classes = task.label.classes
    models = [name for name in MODELS if name in sources.model_runs]
    found = {name: judgeable(sources.predictions, name, TEST, len(classes)) for name in models}
    judged = {name: scores for name, scores in found.items() if scores is not None}
    chosen = soft_targets.choose(sources.predictions, len(classes))
    return Findings(
        classes=classes,
        curves={name: curves.read(sources.model_runs[name]) for name in models},
        confusion={name: confusion(scores, classes) for name, scores in judged.items()},
        reliability={name: reliability(scores) for name, scores in judged.items()},
        slices=slices.read(sources.evaluation),
        soft_targets=soft_targets.read(chosen, sources.training_examples, task),
    )
