"""Settings section `distillation`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from pydantic import Field
from pydantic.dataclasses import dataclass

from limbeck.errors import ConfigError
from limbeck.records import STRICT
from limbeck.settings.fields import Fraction, Positive, PositiveFloat, runtime

Temperature = Annotated[float, Field(gt=0, le=100)]
Weight = Annotated[float, Field(ge=0)]
_SUFFIX = "_weight"
# What is used if neither the user nor a search has said anything else.
_TEMPERATURE, _ALPHA = 2.0, 0.9


@dataclass(frozen=True, config=STRICT)
class DistillationConfig:
    """The loss (1 - alpha) * hard + alpha * (the weighted sum of the transfer objectives).

    With the default weights it is the loss of Hinton et al. (2015, arXiv:1503.02531): temperature^2 * KL(teacher ||
    student). docs/distillation.md compares the transfer objectives.

    Attributes:
      temperature: divides the logits of teachers and student before the softmax or sigmoid of the transfer objectives;
        at most 100. It is refused if the label is a number. null has the search choose it, unless `temperature_end` is
        set; without a search it is 2.
      temperature_end: the temperature of the last optimizer step, if it changes from step to step; null keeps it.
      alpha: share of the transfer objectives; 0 trains on labels alone, 1 on the teachers alone. null has the search
        choose it, unless `alpha_end` is set; without a search it is 0.9.
      alpha_end: the share at the last optimizer step, if it changes from step to step; null keeps it.
      schedule: how temperature and share get from their first to their last value: `linear` or `cosine`.
      inputs: what the student learns from its teachers: `stored`, the examples as they are, with soft targets that were
        computed once; `augmented`, the examples after the task's `augment`; `mixup`, mixtures of two examples each;
        `munge`, rows of a table that take some values of their nearest neighbour (Bucila et al., 2006). For all but the
        first the teachers are called at each step (function matching: Beyer et al., 2022, arXiv:2106.05237).
      munge_probability: with `inputs=munge`: the probability of each column to be taken from the neighbour.
      munge_width: with `inputs=munge`: standard deviation of a number that was taken, as a share of its distance to the
        neighbour; 1/s of the paper.
      generations: number of students that are trained in a row, each but the first with the one before as its teacher
        (born-again networks: Furlanello et al., 2018, arXiv:1805.04770). The last is the student.
      soft_target_weight: weight of the loss of soft targets: the softened Kullback-Leibler divergence (Hinton), or for
        a number the squared distance to the teachers' mean.
      logit_squared_error_weight: weight of the squared distance of logits (Ba and Caruana, 2014, arXiv:1312.6184).
      jensen_shannon_weight: weight of the softened Jensen-Shannon divergence (Lin, 1991), which is bounded.
      decoupled_weight: weight of decoupled knowledge distillation (Zhao et al., 2022, arXiv:2203.08679), for classes.
      hint_weight: weight of the squared distance of layers, after a learned projection (Romero et al., 2015,
        arXiv:1412.6550). This and the following weights need `Task.hints`.
      hidden_cosine_weight: weight of the cosine of layers (DistilBERT: Sanh et al., 2019, arXiv:1910.01108).
      attention_weight: weight of attention transfer (Zagoruyko and Komodakis, 2017, arXiv:1612.03928).
      relational_distance_weight: weight of the distances of pairs of examples (Park et al., 2019, arXiv:1904.05068).
      relational_angle_weight: weight of the angles of triples of examples, from the same paper.
      decoupled_beta: what the other classes count in decoupled distillation, where the right class counts 1.
      search: temperature and alpha that are null are chosen on the validation split (section `search`). A value that is
        set is never changed. There is no search without a validation split with labels.
    """

    temperature: Temperature | None = runtime(None)
    temperature_end: Temperature | None = runtime(None)
    alpha: Fraction | None = runtime(None)
    alpha_end: Fraction | None = runtime(None)
    schedule: Literal["linear", "cosine"] = "linear"
    inputs: Literal["stored", "augmented", "mixup", "munge"] = "stored"
    munge_probability: Fraction = runtime(0.5)
    munge_width: Weight = runtime(0.5)
    generations: Positive = runtime(1)
    soft_target_weight: Weight = runtime(1.0)
    logit_squared_error_weight: Weight = runtime(0.0)
    jensen_shannon_weight: Weight = runtime(0.0)
    decoupled_weight: Weight = runtime(0.0)
    hint_weight: Weight = runtime(0.0)
    hidden_cosine_weight: Weight = runtime(0.0)
    attention_weight: Weight = runtime(0.0)
    relational_distance_weight: Weight = runtime(0.0)
    relational_angle_weight: Weight = runtime(0.0)
    decoupled_beta: PositiveFloat = runtime(8.0)
    # Neither target of the compiler accepts a boolean runtime parameter.
    search: bool = True

    def __post_init__(self) -> None:
        """Raises ConfigError if all weights are 0, or if inputs made of two examples are to have labels."""
        if self.pairs and self.reads_labels:
            raise ConfigError(
                f"distillation.inputs={self.inputs} mixes two examples, and a mixture has no label, so "
                f"distillation.alpha must be 1 at every step; received {self.used_alpha:g}"
                f"{'' if self.alpha_end is None else f' to {self.alpha_end:g}'}: set distillation.alpha=1.0, or "
                "distillation.inputs=augmented"
            )
        if not self.weights:
            names = ", ".join(f"distillation.{name}" for name in weight_fields())
            raise ConfigError(
                f"the weights of the transfer objectives must not all be 0, because the teachers would teach nothing: "
                f"set one of {names}, or distillation.alpha=0 to learn from labels alone"
            )

    @property
    def used_temperature(self) -> float:
        """The temperature of the loss."""
        return _TEMPERATURE if self.temperature is None else self.temperature

    @property
    def used_alpha(self) -> float:
        """The share of the transfer objectives in the loss."""
        return _ALPHA if self.alpha is None else self.alpha

    @property
    def weights(self) -> dict[str, float]:
        """The weights above 0, by the name of the transfer objective."""
        found = {name.removesuffix(_SUFFIX): getattr(self, name) for name in weight_fields()}
        return {name: weight for name, weight in found.items() if weight > 0}

    @property
    def reads_labels(self) -> bool:
        """Whether the hard loss counts at any step. If not, no label is read."""
        return self.used_alpha < 1 or (self.alpha_end is not None and self.alpha_end < 1)

    @property
    def reads_teachers(self) -> bool:
        """Whether the transfer objectives count at any step. If not, no answer of a teacher is read."""
        return self.used_alpha > 0 or (self.alpha_end is not None and self.alpha_end > 0)

    @property
    def pairs(self) -> bool:
        """Whether an input is made of two examples."""
        return self.inputs in ("mixup", "munge")

    @property
    def calls_teachers(self) -> bool:
        """Whether the teachers answer at each step, because no soft targets of the inputs were stored."""
        return self.inputs != "stored" and self.reads_teachers


def weight_fields() -> tuple[str, ...]:
    """Returns the names of the fields that are weights of transfer objectives, in order."""
    return tuple(field.name for field in dataclasses.fields(DistillationConfig) if field.name.endswith(_SUFFIX))
