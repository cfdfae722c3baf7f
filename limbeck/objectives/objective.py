"""`Objective`: all that a kind of label decides, as the pipeline asks for it.

Training and serving compute with tensors, and what judges models with NumPy arrays, in processes that have no
TensorFlow. So an objective has two halves, and says some things twice; a test of each objective holds one half
against the other.

Shapes: `batch` or `examples` is the number of examples, `members` that of the models of an ensemble, `outputs` the
length of the model's last axis. The *label* of an example is what `encode` makes of its raw features. An example has no
label where it lacks one of them: absence alone says so, and no value does.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from limbeck.errors import TaskError, nearest
from limbeck.objectives.measure import Measure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

Finding = Literal["confusion", "reliability", "slices", "soft_targets"]


class LabelDeclaration(Protocol):
    """What an objective reads of a label; `limbeck.task.Label` is one, and describes the attributes."""

    @property
    def name(self) -> str: ...
    @property
    def classes(self) -> tuple[str, ...]: ...
    @property
    def kind(self) -> str: ...


@dataclasses.dataclass(frozen=True)
class TfmaMetrics:
    """What TensorFlow Model Analysis computes.

    Attributes:
      prediction_key: the output of `Objective.answers` that it holds against the raw label.
      class_names: of its metrics, as `tfma.MetricConfig.class_name` takes them.
      slice_metric: the name, in its results, of the metric that is the objective's measure; None where it has none,
        and then there are no findings by slice.
    """

    prediction_key: str
    class_names: tuple[str, ...]
    slice_metric: str | None


@dataclasses.dataclass(frozen=True)
class Objective(abc.ABC):
    """The objective of one label. Its methods are pure functions; a subclass needs no state.

    Attributes:
      label: the label, as the task declares it.
      kinds: values of `label.kind` that the objective takes.
      label_dtype: of the label: `int64` or `float32`.
      unlabelled: the value that stands in the label where an example has none; `encode` never returns it.
      measure: the mean of `scores`, which the gate compares; higher is better.
      loss_key: the name of the mean of `losses` among the metrics of `report.json`.
      tfma: what TensorFlow Model Analysis computes.
      findings: which findings of the report make sense.
    """

    label: LabelDeclaration

    kinds: ClassVar[tuple[str, ...]]
    label_dtype: ClassVar[Literal["int64", "float32"]]
    unlabelled: ClassVar[int | float]
    measure: ClassVar[Measure]
    loss_key: ClassVar[str]
    tfma: ClassVar[TfmaMetrics]
    findings: ClassVar[frozenset[Finding]]

    def __post_init__(self) -> None:
        """Raises TaskError where the label is not what the objective takes; a subclass adds its own checks."""
        kind = self.label.kind
        if kind not in self.kinds:
            raise TaskError(
                f"label '{self.label.name}' is of one kind of {self.kinds}, received {kind!r}."
                f"{nearest(str(kind), self.kinds)}"
            )

    # Shapes.

    @property
    def label_shape(self) -> tuple[int, ...]:
        """The shape of the label of one example: `()` for a single value."""
        return ()

    @property
    @abc.abstractmethod
    def outputs(self) -> int:
        """The length of the last axis of what a model ends in, `[batch, outputs]`."""

    @property
    @abc.abstractmethod
    def output_words(self) -> str:
        """What a model must end in, as messages say it: `logits [batch, 10]`."""

    def label_spec(self) -> Any:
        """The feature spec of the label in a transformed example, as `tf.io.parse_example` takes it."""
        import tensorflow as tf

        return tf.io.FixedLenFeature(list(self.label_shape), tf.as_dtype(self.label_dtype))

    # The label.

    @property
    def raw_features(self) -> tuple[str, ...]:
        """Names of the raw features that `encode` reads."""
        return (self.label.name,)

    @abc.abstractmethod
    def encode(self, raw: Mapping[str, Any]) -> Any:
        """Makes the labels of the examples that have one.

        Args:
          raw: dense tensors `[labelled]` by name of `raw_features`: int64 for the kind `integer`, float32 for `number`,
            string for `text`. Each is a value of the user's own, whatever it is: also -1, NaN or an empty text.

        Returns:
          A tensor `[labelled, *label_shape]` of `label_dtype`: a value that `undeclared` recognises where the task does
          not declare the one that an example has.
        """

    @abc.abstractmethod
    def labelled(self, labels: Any) -> Any:
        """Which examples have a label: bool `[batch]`.

        Args:
          labels: `[batch, *label_shape]`, a tensor or a NumPy array. Operators that both have suffice.
        """

    @abc.abstractmethod
    def undeclared(self, labels: Any) -> Mask:
        """Which examples have a label that the task does not declare: bool `[examples]`.

        Args:
          labels: NumPy array `[examples, *label_shape]`.
        """

    # Training and serving, in TensorFlow.

    @abc.abstractmethod
    def hard_loss(self, outputs: Any, labels: Any) -> Any:
        """The loss of labels.

        Args:
          outputs: of the model, `[batch, outputs]`, any float dtype.
          labels: `[batch, *label_shape]`.

        Returns:
          float32 `[batch]`, at least 0; 0 where unlabelled, with no gradient.
        """

    @abc.abstractmethod
    def soft_loss(self, outputs: Any, teacher_outputs: Any, temperature: float) -> Any:
        """The loss of the teachers' soft targets.

        Args:
          outputs: of the student, `[batch, outputs]`, any float dtype.
          teacher_outputs: of each teacher, `[batch, members, outputs]`; no gradient flows to them.
          temperature: above 0; an objective without probabilities does not use it.

        Returns:
          float32 `[batch]`, at least 0 up to rounding.
        """

    @abc.abstractmethod
    def pseudo_labels(self, teacher_outputs: Any) -> Any:
        """The ensemble's answer as a label: `[batch, members, outputs]` -> `[batch, *label_shape]`, all labelled."""

    @abc.abstractmethod
    def score(self, outputs: Any, labels: Any) -> Any:
        """The same scores as `scores`, as a tensor: float32 or bool `[batch]`; 0 where unlabelled.

        Args:
          outputs: float32 `[batch, outputs]`.
          labels: `[batch, *label_shape]`.
        """

    @abc.abstractmethod
    def answers(self, member_outputs: Any) -> dict[str, Any]:
        """What is served, by name.

        Args:
          member_outputs: float32 `[batch, members, outputs]`.

        Returns:
          Tensors `[batch, ...]`, with `logits` float32 `[batch, outputs]`, the ensemble's output, among them.
        """

    # Judging, in NumPy.

    @abc.abstractmethod
    def ensemble(self, member_outputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The output of an ensemble for one example: `[members, outputs]` -> `[outputs]`.

        The output of a single member is returned as it is.
        """

    @abc.abstractmethod
    def scores(self, outputs: Array, labels: Any) -> Array:
        """How well a model does on each example; higher is better, and their mean is `measure`.

        Args:
          outputs: float64 `[examples, outputs]`, all finite.
          labels: `[examples, *label_shape]`, all labelled and declared.

        Returns:
          float64 `[examples]`.
        """

    @abc.abstractmethod
    def losses(self, outputs: Array, labels: Any) -> Array:
        """The hard loss of each example: arguments and result as of `scores`."""
