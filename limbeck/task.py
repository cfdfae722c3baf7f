"""The contract of a task: raw features, label, preprocessing, and the builders of teacher and student."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args

from limbeck.errors import TaskError, nearest
from limbeck.examples import RESERVED, SERVING_INPUT
from limbeck.objectives.objective import Objective
from limbeck.objectives.registry import objective_of
from limbeck.settings.fields import Scalar

Hyperparameters = Mapping[str, Scalar]
FeatureKind = Literal["number", "integer", "text"]
LabelKind = Literal["integer", "text", "number"]
_PAIR = 2


@dataclasses.dataclass(frozen=True)
class Feature:
    """One raw feature of the examples.

    Attributes:
      name: its name in the tf.Example, or the column of the CSV file.
      kind: `number` (float32), `integer` (int64) or `text` (UTF-8 bytes).
      shape: the shape in one example; `()` for a scalar.
      default: the value for examples that have none. None means that every example must have the feature.
    """

    name: str
    kind: FeatureKind = "number"
    shape: tuple[int, ...] = ()
    default: Scalar | None = None

    def __post_init__(self) -> None:
        _assert_kind(f"feature '{self.name}'", self.kind, get_args(FeatureKind))


@dataclasses.dataclass(frozen=True)
class Label:
    """The label that models predict.

    Attributes:
      name: raw feature that holds the label. For the objective `classes` it holds an integer from 0, or one of the
        texts in `classes`.
      classes: a name for each class, in the order of the logits; for `binary` none, or two of which the second is the
        positive one; empty if the objective has no classes.
      kind: type of the raw feature: `integer` (int64), `text` (UTF-8 bytes) or `number` (float32).
      visible_to_student: name of an integer raw feature. The student does not see the label of an example where
        this feature is 0. None: it sees every label. An example without a label is unlabelled for teachers and student
        alike.
      objective: what is learnt and judged: `classes`, `binary`, `regression`, `multi_label`, or a name given to
        `limbeck.objectives.registry.register`.
      columns: for `multi_label`, the integer raw features that hold a 0 or 1 each, in the order of the logits; then
        `name` names no feature. Empty for the others.
    """

    name: str
    classes: tuple[str, ...] = ()
    kind: LabelKind = "integer"
    visible_to_student: str | None = None
    objective: str = "classes"
    columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for what, names in (("class", self.classes), ("column", self.columns)):
            if twice := _twice(names):
                raise TaskError(
                    f"label '{self.name}' names the {what} {twice[0]!r} twice, received {names}: name each {what} once"
                )
        objective_of(self)


@dataclasses.dataclass(frozen=True)
class Picture:
    """A model input that the report can show as a grey picture.

    Attributes:
      input: name of the model input: one of the outputs of `preprocessing_fn`.
      rows: height of the picture, in pixels.
      columns: width of the picture, in pixels. An example's input holds `rows * columns` numbers, row by row.
      brightest: the number that is shown as white; 0 is shown as black.
    """

    input: str
    rows: int
    columns: int
    brightest: float = 1.0

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise TaskError(
                f"picture '{self.input}' needs at least one row and one column, received {self.rows} x {self.columns}"
            )
        if not 0 < self.brightest < math.inf:
            raise TaskError(f"picture '{self.input}' needs a positive `brightest`, received {self.brightest}")
        if self.input in RESERVED:
            raise TaskError(f"picture '{self.input}' must be one of the model's inputs, but that name is reserved")


@dataclasses.dataclass(frozen=True)
class Task:
    """Everything that is specific to one task. It names no strategy, no runner and no path.

    Attributes:
      name: lower-case letters, digits and hyphens.
      features: the raw features, without the label.
      label: the label that models predict.
      preprocessing_fn: takes dense raw feature tensors `[batch, *shape]` by name, and returns the model's inputs by
        name, each `[batch, ...]`. It may use tensorflow_transform's analyzers.
      build_teacher: takes hyperparameters and returns an uncompiled tf_keras model. The model takes a dictionary of the
        model's inputs, and ends in what the label's objective asks for: for classes, logits `[batch, classes]`.
      build_student: the same for the student.
      augment: takes model inputs by name and seeds (int64 `[batch]`, one for each example), and returns inputs of the
        same shapes. It is applied to the teacher's training batches, and must be a pure function of its arguments.
      build_optimizer: takes a schedule (optimizer step -> learning rate), and returns the tf_keras optimizer that
        trains teachers and student. None takes Adam.
      metrics: returns new tf_keras metrics, each with a name of its own. They are computed on the labelled examples of
        the validation split at the end of each epoch, beside the objective's loss and score, from the labels as the
        objective encodes them and the model's outputs (logits). They are shown, and decide nothing.
      initialise_student: takes the student and its teacher, two built tf_keras models, and sets the student's first
        weights; its result is not used. The teacher is the first of the ensemble, with its trained weights. All
        students of a run begin with these weights, the controls too. A run calls it more than once, so it must do
        nothing but set weights.
      hints: pairs of names, a layer of the teacher and a layer of the student, that `distillation.hint_weight` and the
        other weights of layers compare. The teacher is the first of the ensemble. Both models must be functional.
      write_data: writes the task's own data into an empty folder, with a folder for each split. None if users must set
        `data.path`.
      slices: sets of raw features. The evaluation reports each combination of their values separately.
      picture: the model input that the report shows as a grey picture. It is part of no digest.
      schema: a file with a tensorflow_metadata `Schema` of the raw features, in text form, such as
        `Path(__file__).with_name("schema.pbtxt")`. Data are checked against it instead of against the first accepted
        schema. It is part of no digest, because data are checked in every run.
    """

    name: str
    features: tuple[Feature, ...]
    label: Label
    preprocessing_fn: Callable[[dict[str, Any]], dict[str, Any]]
    build_teacher: Callable[[Hyperparameters], Any]
    build_student: Callable[[Hyperparameters], Any]
    augment: Callable[[dict[str, Any], Any], dict[str, Any]] | None = None
    build_optimizer: Callable[[Any], Any] | None = None
    metrics: Callable[[], Sequence[Any]] | None = None
    initialise_student: Callable[[Any, Any], object] | None = None
    hints: tuple[tuple[str, str], ...] = ()
    write_data: Callable[[Path], None] | None = None
    slices: tuple[tuple[str, ...], ...] = ()
    picture: Picture | None = None
    schema: Path | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", self.name):
            raise TaskError(f"a task's name is lower-case letters, digits and hyphens, received {self.name!r}")
        names = [feature.name for feature in self.features]
        known = [*names, *self.objective.raw_features]
        if len(set(known)) < len(known):
            raise TaskError(f"task '{self.name}' declares a feature or its label twice: {sorted(known)}")
        if SERVING_INPUT in names:
            raise TaskError(
                f"task '{self.name}' has a feature '{SERVING_INPUT}', which is the name of the input of the served "
                "model: rename the feature"
            )
        if len({name.lower() for name in names}) < len(names):
            raise TaskError(
                f"task '{self.name}' has features whose names differ in case only, which TensorFlow's serving "
                f"inputs do not tell apart: {sorted(names)}. Rename one"
            )
        if any(not isinstance(hint, tuple | list) or len(hint) != _PAIR for hint in self.hints):
            raise TaskError(
                f"the hints of task '{self.name}' are pairs of names, a layer of the teacher and a layer of the "
                f"student, received {self.hints}"
            )
        if twice := _twice(self.hints):
            raise TaskError(f"task '{self.name}' has the hint {twice[0]} twice: leave one out")
        repeated = [
            *_twice([frozenset(some) for some in self.slices]),
            *(some for some in self.slices if _twice(some)),
        ]
        if repeated:
            raise TaskError(
                f"task '{self.name}' slices twice by the same: {sorted(repeated[0])}, received "
                f"{self.slices}: leave one out"
            )
        for name in (name for some in self.slices for name in some if name not in known):
            raise TaskError(
                f"task '{self.name}' slices by '{name}', which is not a feature.{nearest(name, known)}"
            )

    @property
    def objective(self) -> Objective:
        """What is learnt and judged."""
        return objective_of(self.label)


PARTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "data": ("write_data",),
        # Everything later depends on these, and on the objective.
        "preprocessing": ("preprocessing_fn", "features", "label", "objective"),
        "teacher": ("build_teacher", "augment", "build_optimizer", "metrics"),
        "student": ("build_student", "build_optimizer", "metrics", "initialise_student", "hints"),
    }
)


def _twice(names: Sequence[Any]) -> list[Any]:
    """Returns what stands in a sequence more than once, each time after the first."""
    return [name for index, name in enumerate(names) if name in names[:index]]


def _assert_kind(what: str, kind: str, known: tuple[str, ...]) -> None:
    if kind not in known:
        raise TaskError(f"{what} is of one kind of {known}, received {kind!r}.{nearest(str(kind), known)}")
