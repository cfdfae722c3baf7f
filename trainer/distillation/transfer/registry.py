"""The transfer objectives by name, and their weighted sum. A new one is a new file and an entry here.

The setting `distillation.<name>_weight` holds the weight of each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.labelling import LabellingConfig
from limbeck.trainer.distillation.transfer import (
    attention,
    decoupled,
    hidden_cosine,
    hint,
    jensen_shannon,
    logit_squared_error,
    relational,
)
from limbeck.trainer.distillation.transfer.kind import Compared, LayerPair, Transfer


def _soft_targets(given: Compared) -> Any:
    return given.objective.soft_loss(given.outputs, given.teacher_outputs, given.temperature)


def _decoupled(given: Compared) -> Any:
    right = decoupled.right_classes(given.labels, given.teacher_outputs, given.objective)
    return decoupled.categorical(given.outputs, given.teacher_outputs, right, given.temperature, given.beta)


def _of_layers(loss: Callable[[LayerPair], Any], *, projected: bool = False, positions: bool = False) -> Transfer:
    """Returns a transfer objective for any kind of label, whose loss is the mean over the pairs of layers."""

    def mean(given: Compared) -> Any:
        import tensorflow as tf

        return tf.add_n([loss(pair) for pair in given.layers]) / len(given.layers)

    return Transfer("layers", {"softmax": mean, "sigmoid": mean, None: mean}, True, projected, positions)


TRANSFERS: Mapping[str, Transfer] = MappingProxyType(
    {
        "soft_target": Transfer(
            "soft targets", {"softmax": _soft_targets, "sigmoid": _soft_targets, None: _soft_targets}
        ),
        "logit_squared_error": Transfer(
            "logits",
            {
                "softmax": lambda given: logit_squared_error.categorical(given.outputs, given.teacher_outputs),
                "sigmoid": lambda given: logit_squared_error.bernoulli(given.outputs, given.teacher_outputs),
            },
            every_class=True,
        ),
        "jensen_shannon": Transfer(
            "probabilities",
            {
                "softmax": lambda given: jensen_shannon.categorical(
                    given.outputs, given.teacher_outputs, given.temperature
                ),
                "sigmoid": lambda given: jensen_shannon.bernoulli(
                    given.outputs, given.teacher_outputs, given.temperature
                ),
            },
        ),
        "decoupled": Transfer("the right class and the other classes", {"softmax": _decoupled}, every_class=True),
        "hint": _of_layers(lambda pair: hint.loss(pair.projected, pair.teacher, pair.mask), projected=True),
        "hidden_cosine": _of_layers(
            lambda pair: hidden_cosine.loss(pair.projected, pair.teacher, pair.mask), projected=True
        ),
        "attention": _of_layers(
            lambda pair: attention.loss(pair.student, pair.teacher, pair.mask), positions=True
        ),
        "relational_distance": _of_layers(lambda pair: relational.distance_loss(pair.student, pair.teacher)),
        "relational_angle": _of_layers(lambda pair: relational.angle_loss(pair.student, pair.teacher)),
    }
)


def of_layers(config: DistillationConfig) -> list[str]:
    """Returns the names of the transfer objectives with a weight that compare layers."""
    return [name for name in config.weights if config.reads_teachers and TRANSFERS[name].layers]


def assert_applicable(
    config: DistillationConfig, objective: Objective, labelling: LabellingConfig | None = None
) -> None:
    """Refuses settings that make no sense for a kind of label, before any training.

    Args:
      config: the settings of the loss.
      objective: the objective of the label.
      labelling: how the soft targets are stored; None: in full.

    Raises:
      ConfigError: if a transfer objective with a weight has no loss for the objective, or needs logits that are not
        stored, or if a temperature is set that changes nothing.
    """
    if labelling is not None:
        _assert_stored(config, labelling)
    for one in (config.temperature, config.temperature_end):
        if one is not None:
            objective.assert_temperature(one)
    for name, weight in config.weights.items():
        transfer = TRANSFERS[name]
        if objective.activation not in transfer.by_activation:
            known = [
                f"distillation.{other}_weight"
                for other, one in TRANSFERS.items()
                if objective.activation in one.by_activation and not one.layers
            ]
            raise ConfigError(
                f"distillation.{name}_weight compares {transfer.words}, which makes no sense for label "
                f"'{objective.label.name}', learnt from {objective.output_words}; received {weight:g}: set it to 0. "
                f"This kind of label has {' and '.join(known)}, and the weights that compare layers"
            )


def _assert_stored(config: DistillationConfig, labelling: LabellingConfig) -> None:
    """Raises ConfigError if a transfer objective needs the logits of classes that are not stored."""
    if labelling.top_k is None or config.calls_teachers or not config.reads_teachers:
        return
    for name in config.weights:
        if TRANSFERS[name].every_class:
            raise ConfigError(
                f"distillation.{name}_weight needs the logits of every class, and "
                f"labelling.top_k={labelling.top_k} stores those of the most probable ones alone: set the weight to 0, "
                "or leave labelling.top_k out"
            )


def transfer_loss(given: Compared, weights: Mapping[str, float]) -> Any:
    """Returns the weighted sum of transfer objectives, float32 `[batch]`.

    Args:
      given: what is compared.
      weights: the weights above 0, by name; at least one. A weight of 1 adds no operation.
    """
    losses = []
    for name, weight in weights.items():
        loss = TRANSFERS[name].by_activation[given.objective.activation](given)
        losses.append(loss if weight == 1 else weight * loss)
    first, *others = losses
    for other in others:
        first += other
    return first
