"""Section: what soft targets tell beyond the labels: some examples, with the teachers' probabilities for them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from markupsafe import Markup

from limbeck.report import figures
from limbeck.report.charts.pixels import pixels
from limbeck.report.chosen import distillation
from limbeck.report.findings import SoftTarget
from limbeck.report.schema import Report
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.distillation.stored.record import StoredRecord

_SHOWN = 12
_TOP = 3
_SOMETHING = 0.01
_LONGEST_WORD = 12
_AN = ("8", "11", "18")


@dataclasses.dataclass(frozen=True)
class Bar:
    """A class and its probability; `labelled` if it is the example's label."""

    name: str
    probability: float
    labelled: bool


@dataclasses.dataclass(frozen=True)
class Example:
    """One example: its picture or inputs, its label, and what its soft target says.

    `transformed` is true if the inputs are those of the model, and not the raw ones.
    """

    picture: Markup | None
    inputs: dict[str, str]
    transformed: bool
    label: str
    bars: tuple[Bar, ...]
    sentence: str


@dataclasses.dataclass(frozen=True)
class Softness:
    """The section; `stored` says in which form soft targets were stored, and is None if it was all logits."""

    temperature: str
    examples: tuple[Example, ...]
    stored: str | None = None


def view(report: Report) -> Softness | None:
    """Returns the section; None if there are no soft targets."""
    if report.findings is None or not report.findings.soft_targets:
        return None
    temperature = distillation(report).used_temperature
    classes = report.findings.classes
    examples = tuple(
        _example(f"example-{index}", one, classes, temperature)
        for index, one in enumerate(report.findings.soft_targets[:_SHOWN])
    )
    return Softness(f"{temperature:g}", examples, _stored(report.findings.stored))


def _stored(record: StoredRecord) -> str | None:
    if record.labelling == LabellingConfig():
        return None
    each, full, all_files = map(figures.size, (record.example_bytes, record.full_bytes, record.split_bytes))
    return (
        f"{record.words}: {each} an example, where all logits as float32 take {full}. The files of the training split "
        f"take {all_files}"
    )


def probabilities(teacher_logits: Sequence[Sequence[float]], temperature: float) -> tuple[float, ...]:
    """Returns the soft target of an ensemble: the mean over its members of softmax(logits / temperature).

    Args:
      teacher_logits: `[teachers][classes]`.
      temperature: above 0.
    """
    members = [_softmax([logit / temperature for logit in logits]) for logits in teacher_logits]
    return tuple(sum(column) / len(members) for column in zip(*members, strict=True))


def sentence(label: str, bars: Sequence[Bar]) -> str:
    """Returns the two most probable classes as a text, such as `a 4 that has something of a 9 (18 %)`."""
    first, second = bars[0], bars[1]
    share = f"({figures.percent(second.probability, 0)})"
    if not first.labelled:
        sure = figures.percent(first.probability, 0)
        return f"labelled {_quoted(label)}, but its teachers see {_a(first.name)} ({sure})"
    if second.probability < _SOMETHING:
        return f"{_a(label)}, and hardly anything else"
    return f"{_a(label)} that has something of {_a(second.name)} {share}"


def _example(name: str, one: SoftTarget, classes: Sequence[str], temperature: float) -> Example:
    shares = sorted(
        zip(classes, probabilities(one.teacher_logits, temperature), strict=True), key=lambda it: -it[1]
    )
    bars = tuple(Bar(named, share, named == one.label) for named, share in shares[:_TOP])
    drawn = None
    if one.picture is not None and one.picture.rows and one.picture.rows[0]:
        drawn = pixels(name, f"Example labelled {one.label}", one.picture.rows)
    return Example(drawn, one.inputs, not one.raw, one.label, bars, sentence(one.label, bars))


def _softmax(logits: Sequence[float]) -> list[float]:
    largest = max(logits)
    powers = [math.exp(logit - largest) for logit in logits]
    total = sum(powers)
    return [power / total for power in powers]


def _a(name: str) -> str:
    """Returns a name with its article if it is a word or a number; otherwise in quotation marks."""
    if not name.isalnum() or len(name) > _LONGEST_WORD:
        return _quoted(name)
    return f"{'an' if name[0] in 'aeiouAEIOU' or name in _AN else 'a'} {name}"


def _quoted(name: str) -> str:
    return name if name.isalnum() and len(name) <= _LONGEST_WORD else f"“{name}”"
