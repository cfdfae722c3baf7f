"""`findings.json`: what the report shows of the models in addition to their figures.

The report's page is made from plain values, long after the process with TensorFlow, Beam and TFMA has ended. So
everything that the page shows is written to this file once. The file stays small for data of any size.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json
from limbeck.trainer.distillation.generation_record import Generation
from limbeck.trainer.distillation.stored.record import StoredRecord
from limbeck.trainer.search.record import SearchRecord

FINDINGS_FILE = "findings.json"


@dataclass(frozen=True, config=STRICT)
class CurvePoint:
    """The mean training loss, in nats, over the steps since the previous point, up to optimizer step `step`."""

    step: int
    loss: float


@dataclass(frozen=True, config=STRICT)
class ValidationFigures:
    """How well one member of an ensemble did on the validation split when it was last evaluated in training.

    Attributes:
      step: number of optimizer steps done.
      examples: number of labelled examples.
      metrics: the loss and the score of the objective, and the task's own metrics, by name; null if one is not finite.
    """

    step: int
    examples: int
    metrics: dict[str, float | None]


@dataclass(frozen=True, config=STRICT)
class Confusion:
    """Counts of test examples by their label and their predicted class.

    Attributes:
      classes: names, in the order of rows and columns.
      counts: `counts[label][predicted]`, over the labelled examples.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, config=STRICT)
class ReliabilityBin:
    """Test examples whose predicted class had a probability within one range.

    Attributes:
      low: lower end of the range.
      high: upper end of the range.
      examples: number of examples; at least one.
      confidence: mean probability of the predicted class.
      accuracy: share of examples that were predicted right.
    """

    low: float
    high: float
    examples: int
    confidence: float
    accuracy: float


@dataclass(frozen=True, config=STRICT)
class Reliability:
    """How well a model's probabilities match its accuracy on the test split.

    Attributes:
      bins: the bins that hold an example, from low to high confidence.
      expected_calibration_error: mean |confidence - accuracy| over the examples, bin by bin (Guo et al., 2017,
        arXiv:1706.04599).
    """

    bins: tuple[ReliabilityBin, ...]
    expected_calibration_error: float


@dataclass(frozen=True, config=STRICT)
class Roc:
    """A ROC curve on the test split. With two classes, the second is positive; with more, it is the micro average.

    So it is with several labels, which are asked about one by one.

    Attributes:
      thresholds: descending probabilities. An answer is taken for positive if its probability is not below it.
      false_positive_rates: for each threshold, the share of the negative answers that is taken for positive.
      recalls: for each threshold, the share of the positive answers that is taken for positive.
      area: area under the whole curve, of which there may have been more points.
    """

    thresholds: tuple[float, ...]
    false_positive_rates: tuple[float, ...]
    recalls: tuple[float, ...]
    area: float


@dataclass(frozen=True, config=STRICT)
class Slice:
    """The test examples that share some values.

    Attributes:
      features: the raw features and their values, such as `{"digit": "3"}`; empty for all examples.
      examples: number of examples.
      accuracy: accuracy of each model, by name; null if it is undefined. For an objective other than classes, its
        measure.
    """

    features: dict[str, str]
    examples: int
    accuracy: dict[str, float | None]


@dataclass(frozen=True, config=STRICT)
class GreyImage:
    """A model input that is a grey picture: brightness from 0 (black) to 1 (white), row by row."""

    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, config=STRICT)
class SoftTarget:
    """A training example whose soft target says more than its label.

    Attributes:
      example_id: id of the example.
      label: name of its class.
      teacher_logits: `[teachers][classes]`, in the order of `Findings.classes`.
      picture: the example as a picture; null if the task declares no picture.
      inputs: the example's features as texts, if there is no picture; long texts are cut.
      raw: whether `inputs` are raw features; otherwise they are the model's inputs, as Transform made them.
    """

    example_id: str
    label: str
    teacher_logits: tuple[tuple[float, ...], ...]
    picture: GreyImage | None = None
    inputs: dict[str, str] = dataclasses.field(default_factory=dict)
    raw: bool = False


@dataclass(frozen=True, config=STRICT)
class LabelFigures:
    """One of several labels, by itself.

    Attributes:
      label: its name.
      positives: number of the labelled test examples where it is 1.
      examples: number of all labelled test examples.
      auc: area under the ROC curve of each model, by name; null if all examples have the same value.
    """

    label: str
    positives: int
    examples: int
    auc: dict[str, float | None]


@dataclass(frozen=True, config=STRICT)
class Findings:
    """All findings. Models have the names of `limbeck.models`.

    Attributes:
      classes: names, in the order of the logits; empty if the objective has no classes.
      curves: for each model, one curve for each member of its ensemble.
      validation: for each model, the last evaluation of each member that was evaluated in training.
      confusion: for each model. Empty if the objective has no such finding, as are the next four.
      reliability: for each model.
      roc: for teacher and student; drawn where a cluster's UI draws it, and not on the page.
      slices: teacher and student, from the Evaluator. The first slice holds all examples.
      soft_targets: those that say most come first.
      labels: if an example has several, each by itself, in the order of the logits.
      search: how the loss of the student was chosen; null if there was no search.
      generations: if students were trained in a row, each of them.
      stored: how the soft targets of the training examples were stored.
    """

    classes: tuple[str, ...]
    curves: dict[str, tuple[tuple[CurvePoint, ...], ...]] = dataclasses.field(default_factory=dict)
    validation: dict[str, tuple[ValidationFigures, ...]] = dataclasses.field(default_factory=dict)
    confusion: dict[str, Confusion] = dataclasses.field(default_factory=dict)
    reliability: dict[str, Reliability] = dataclasses.field(default_factory=dict)
    roc: dict[str, Roc] = dataclasses.field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    soft_targets: tuple[SoftTarget, ...] = ()
    labels: tuple[LabelFigures, ...] = ()
    search: SearchRecord | None = None
    generations: tuple[Generation, ...] = ()
    stored: StoredRecord = dataclasses.field(default_factory=StoredRecord)


def read(folder: str) -> Findings:
    """Reads the findings artifact at `folder`."""
    return from_json(Findings, files.read_text(files.join(folder, FINDINGS_FILE)))


def write(findings: Findings, folder: str) -> None:
    """Writes the findings artifact at `folder`."""
    files.write_text(files.join(folder, FINDINGS_FILE), to_json(findings))
