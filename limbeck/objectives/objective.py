"""`Objective`: everything that a kind of label decides, in the form that the pipeline needs.

Training and serving compute with tensors. Code that judges models computes with NumPy arrays, in processes without
TensorFlow. So an objective has two halves, and says some things twice. A test of each objective compares the halves.

Shapes: `batch` or `examples` is the number of examples, `members` the number of models in an ensemble, `outputs` the
length of the model's last axis. The *label* of an example is what `encode` makes of its raw features. An example
without one of these features has no label, or if the objective goes by columns, lacks that part of it. No value of a
feature means "no label".
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from limbeck.errors import ConfigError, TaskError, nearest
from limbeck.objectives.measure import Measure
from limbeck.objectives.statistic import MeanScore, Statistic
from limbeck.objectives.wording import Wording

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

Finding = Literal["confusion", "labels", "reliability", "roc", "slices", "soft_targets"]


class LabelDeclaration(Protocol):
    """What an objective reads of a label. `limbeck.task.Label` is one, and describes the attributes."""

    @property
    def name(self) -> str: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def kind(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...


@dataclasses.dataclass(frozen=True)
class TfmaMetrics:
    """What TensorFlow Model Analysis computes.

    Attributes:
      prediction_key: the output of `Objective.answers` that is compared with the raw label.
      class_names: names of its metrics, as `tfma.MetricConfig.class_name` takes them.
      slice_metric: the name, in its results, of the metric that is the objective's measure. None if there is no such
        metric; then there are no findings by slice.
      encoded: whether it compares with the label as numbers, and not with the raw feature: 0 and 1 and not two texts.
      defined_by: the name, in its results, of a metric that is strictly between 0 and 1 in the slices that define
        `slice_metric`. In others, TFMA gives a number all the same. None if every slice defines it.
      by_output: class names of metrics that are computed of each output by itself. If there are any, `slice_metric` and
        `defined_by` are among them, and the measure of a slice is the mean over the outputs that define it.
    """

    prediction_key: str
    class_names: tuple[str, ...]
    slice_metric: str | None
    encoded: bool = False
    defined_by: str | None = None
    by_output: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Objective(abc.ABC):
    """The objective of one label. Its methods are pure functions, and a subclass needs no state.

    Attributes:
      label: the label, as the task declares it.
      kinds: values of `label.kind` that the objective accepts.
      label_dtype: dtype of the label: `int64` or `float32`.
      unlabelled: the label of an example that has none; `encode` never returns it.
      measure: the name and the unit of `statistic`, which the gate compares; higher is better.
      loss_key: the name of the mean of `losses` among the metrics of `report.json`.
      tfma: what TensorFlow Model Analysis computes.
      findings: the findings of the report that make sense.
      wording: what the report says of the objective.
      activation: what turns the outputs into probabilities, `softmax` or `sigmoid`. Losses and answers apply it, so a
        model that ends in it is refused. None if outputs are no logits.
    """

    label: LabelDeclaration

    kinds: ClassVar[tuple[str, ...]]
    label_dtype: ClassVar[Literal["int64", "float32"]]
    unlabelled: ClassVar[int | float]
    measure: ClassVar[Measure]
    loss_key: ClassVar[str]
    tfma: ClassVar[TfmaMetrics]
    findings: ClassVar[frozenset[Finding]]
    wording: ClassVar[Wording] = Wording()
    activation: ClassVar[Literal["softmax", "sigmoid"] | None] = None

    def __post_init__(self) -> None:
        """Raises TaskError if the objective does not accept the label. A subclass adds its own checks."""
        kind = self.label.kind
        if kind not in self.kinds:
            raise TaskError(
                f"label '{self.label.name}' is of one kind of {self.kinds}, received {kind!r}."
                f"{nearest(str(kind), self.kinds)}"
            )
        if self.label.columns and not self.label_shape:
            raise TaskError(
                f"label '{self.label.name}' is one value, so it has no columns, received {self.label.columns}: for "
                "several columns of 0 and 1 there is the objective 'multi_label'"
            )

    # Shapes.

    @property
    def label_shape(self) -> tuple[int, ...]:
        """The shape of the label of one example: `()` for a single value."""
        return ()

    @property
    @abc.abstractmethod
    def outputs(self) -> int:
        """The length of the last axis of the model's output, `[batch, outputs]`."""

    @property
    @abc.abstractmethod
    def output_words(self) -> str:
        """What a model must end in, in the words of messages: `logits [batch, 10]`."""

    def label_spec(self) -> Any:
        """Returns the feature spec of the label in a transformed example, as `tf.io.parse_example` takes it."""
        import tensorflow as tf

        return tf.io.FixedLenFeature(list(self.label_shape), tf.as_dtype(self.label_dtype))

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes, in the order of `class_logits`; empty if there are none."""
        return self.label.classes

    @property
    def label_values(self) -> tuple[str, ...]:
        """The values that a raw feature of the label may have: texts, or names of the integers from 0.

        They are in the order in which `encode` numbers them. Empty if any value of the kind is a label.
        """
        return self.class_names

    def assert_temperature(self, temperature: float | None) -> None:
        """Raises ConfigError if `distillation.temperature` was set, and this objective has none."""
        if not self.wording.tempered and temperature is not None:
            raise ConfigError(
                f"distillation.temperature changes nothing for label '{self.label.name}', because its kind has no "
                f"probabilities; received {temperature:g}: leave the setting out"
            )

    # What the gate compares.

    @property
    def statistic(self) -> Statistic:
        """How `measure` is computed: the mean of `scores`, if the objective says nothing else."""
        return MeanScore(self.scores)

    @property
    def score_key(self) -> str:
        """The name of the mean of `scores` among the metrics of a training."""
        return self.measure.key

    def further_metrics(self, outputs: Array, labels: Any) -> dict[str, float]:
        """Returns figures for the report beside measure and loss, by name; arguments are as for `scores`."""
        return {}

    # The label.

    @property
    def raw_features(self) -> tuple[str, ...]:
        """Names of the raw features that `encode` reads."""
        return self.label.columns or (self.label.name,)

    @property
    def by_column(self) -> bool:
        """Whether an example may lack some of `raw_features`. Then `label_shape` is a value for each of them.

        The missing values are `unlabelled`, and an example that has any other value is labelled.
        """
        return False

    @abc.abstractmethod
    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Returns the labels of the examples that have one.

        Args:
          raw: dense tensors `[labelled]` by name of `raw_features`: int64 for the kind `integer`, float32 for `number`,
            string for `text`. Each value is the user's own and may be anything, also -1, NaN or an empty text. With
          `by_column`, a value that is missing is 0 or an empty text here, and what is made of it is not used.

        Returns:
          A tensor `[labelled, *label_shape]` of `label_dtype`. If the task does not declare an example's label, its
          value is one that `undeclared` recognises.
        """

    @abc.abstractmethod
    def labelled(self, labels: Any) -> Any:
        """Returns which examples have a label: bool `[batch]`.

        Args:
          labels: `[batch, *label_shape]`, a tensor or a NumPy array. Use only operators that both have.
        """

    def complete(self, labels: Any) -> Any:
        """Returns which examples lack no part of their label: bool `[batch]`; the argument is as for `labelled`."""
        return self.labelled(labels)

    @abc.abstractmethod
    def undeclared(self, labels: Any) -> Mask:
        """Returns which examples have a label that the task does not declare: bool `[examples]`.

        Args:
          labels: NumPy array `[examples, *label_shape]`.
        """

    # Training and serving, in TensorFlow.

    @abc.abstractmethod
    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """Returns the loss of labels.

        Args:
          outputs: outputs of the model, `[batch, outputs]`, any float dtype.
          labels: `[batch, *label_shape]`.

        Returns:
          float32 `[batch]`, at least 0. It is 0 for unlabelled examples, with no gradient.
        """

    @abc.abstractmethod
    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """Returns the loss of the teachers' soft targets.

        Args:
          outputs: outputs of the student, `[batch, outputs]`, any float dtype.
          teacher_outputs: outputs of each teacher, `[batch, members, outputs]`; no gradient flows to them.
          temperature: above 0. An objective without probabilities does not use it.

        Returns:
          float32 `[batch]`, at least 0 up to rounding.
        """

    @abc.abstractmethod
    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """Returns the ensemble's answers as labels.

        Args:
          teacher_outputs: outputs of each teacher, `[batch, members, outputs]`.

        Returns:
          `[batch, *label_shape]`, all labelled.
        """

    @abc.abstractmethod
    def score(self, outputs: Any, labels: Any) -> Any:
        """Returns the scores of `scores` as a tensor: float32 or bool `[batch]`; 0 for unlabelled examples.

        Args:
          outputs: float32 `[batch, outputs]`.
          labels: `[batch, *label_shape]`.
        """

    @abc.abstractmethod
    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """Returns what is served, by name.

        Args:
          member_outputs: float32 `[batch, members, outputs]`.

        Returns:
          Tensors `[batch, ...]`. One is `logits` float32 `[batch, outputs]`, the ensemble's output.
        """

    # Judging, in NumPy.

    @abc.abstractmethod
    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Returns the output of an ensemble for one example: `[members, outputs]` -> `[outputs]`.

        The output of a single member is returned unchanged.
        """

    @abc.abstractmethod
    def scores(self, outputs: Array, labels: Any) -> Array:
        """Returns how well a model does on each example. Higher is better.

        Args:
          outputs: float64 `[examples, outputs]`, all finite.
          labels: `[examples, *label_shape]`, all labelled and declared.

        Returns:
          float64 `[examples]`.
        """

    @abc.abstractmethod
    def losses(self, outputs: Array, labels: Any) -> Array:
        """Returns the hard loss of each example; arguments and result are as for `scores`."""

    def class_logits(self, outputs: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Returns logits whose softmax are the probabilities of `class_names`: `[..., outputs]` -> `[..., classes]`.

        The findings on classes are made of it. An objective without classes has no such findings. If it has an axis
        more than the outputs, each output is a question by itself, and all answers count.
        """
        return outputs
