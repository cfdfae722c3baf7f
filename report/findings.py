"""`findings.json`: what the report shows of the models beyond their figures.

The page of a report is drawn from plain values, long after the process that had TensorFlow, Beam and TFMA loaded has
ended. So whatever it shows is written down once, small whatever the size of the data.
"""

from __future__ import annotations

import dataclasses

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.records import STRICT, from_json, to_json

FINDINGS_FILE = "findings.json"


@dataclass(frozen=True, config=STRICT)
class CurvePoint:
    """The mean training loss, in nats, over the steps since the point before, up to optimizer step `step`."""

    step: int
    loss: float


@dataclass(frozen=True, config=STRICT)
class Confusion:
    """Test examples by what they are and what they were taken for.

    Attributes:
      classes: names, in the order of rows and columns.
      counts: `counts[label][predicted]`, over the labelled examples.
    """

    classes: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, config=STRICT)
class ReliabilityBin:
    """Test examples whose most probable class had a probability within a range.

    Attributes:
      low: lower end of the range.
      high: upper end.
      examples: how many there are; at least one.
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
    """How far a model's probabilities can be taken at their word, on the test split.

    Attributes:
      bins: those that hold an example, from low to high confidence.
      expected_calibration_error: mean |confidence - accuracy| over the examples, bin by bin (Guo et al., 2017,
        arXiv:1706.04599).
    """

    bins: tuple[ReliabilityBin, ...]
    expected_calibration_error: float


@dataclass(frozen=True, config=STRICT)
class Slice:
    """The test examples that share some values.

    Attributes:
      features: the raw features and their values, such as `{"digit": "3"}`; empty for all examples.
      examples: how many there are.
      accuracy: of each model, by name; null where it is undefined. Of an objective other than classes: its measure.
    """

    features: dict[str, str]
    examples: int
    accuracy: dict[str, float | None]


@dataclass(frozen=True, config=STRICT)
class Picture:
    """A model input that is a grey picture: brightness from 0 (black) to 1 (white), row by row."""

    rows: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, config=STRICT)
class SoftTarget:
    """A training example whose soft target says more than its label.

    Attributes:
      example_id: of the example.
      label: the name of its class.
      teacher_logits: `[teachers][classes]`, in the order of `Findings.classes`.
      picture: the example as a picture, where the task says how; otherwise null.
      inputs: the model's inputs as texts, where there is no picture; long ones are cut.
    """

    example_id: str
    label: str
    teacher_logits: tuple[tuple[float, ...], ...]
    picture: Picture | None = None
    inputs: dict[str, str] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, config=STRICT)
class Findings:
    """All of it; `models` are named as in `components.predictor.tables`.

    Attributes:
      classes: names, in the order of the logits; empty where the objective has no classes.
      curves: of each model, one curve a member of its ensemble.
      confusion: of each model; empty, as the next three, where the objective has no such finding.
      reliability: of each model.
      slices: from the Evaluator: teacher and student; the first holds all examples.
      soft_targets: the most telling ones first.
    """

    classes: tuple[str, ...]
    curves: dict[str, tuple[tuple[CurvePoint, ...], ...]] = dataclasses.field(default_factory=dict)
    confusion: dict[str, Confusion] = dataclasses.field(default_factory=dict)
    reliability: dict[str, Reliability] = dataclasses.field(default_factory=dict)
    slices: tuple[Slice, ...] = ()
    soft_targets: tuple[SoftTarget, ...] = ()


def read(folder: str) -> Findings:
    """Reads the findings artifact at `folder`."""
    return from_json(Findings, files.read_text(files.join(folder, FINDINGS_FILE)))


def write(findings: Findings, folder: str) -> None:
    """Writes the findings artifact at `folder`."""
    files.write_text(files.join(folder, FINDINGS_FILE), to_json(findings))
