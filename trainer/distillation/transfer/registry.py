"""The transfer objectives by name, and their weighted sum. A new one is a new file and an entry here.

The setting `distillation.<name>_weight` holds the weight of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from limbeck.errors import ConfigError
from limbeck.objectives.objective import Objective
from limbeck.settings.distillation import DistillationConfig
from limbeck.trainer.distillation.transfer import decoupled, jensen_shannon, logit_squared_error
from limbeck.trainer.distillation.transfer.kind import Compared, Transfer


def _soft_targets(given: Compared) -> Any:
    return given.objective.soft_loss(given.outputs, given.teacher_outputs, given.temperature)


def _decoupled(given: Compared) -> Any:
    right = decoupled.right_classes(given.labels, given.teacher_outputs, given.objective)
    return decoupled.categorical(given.outputs, given.teacher_outputs, right, given.temperature, given.beta)


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
        "decoupled": Transfer("the right class and the other classes", {"softmax": _decoupled}),
    }
)


def assert_applicable(config: DistillationConfig, objective: Objective) -> None:
    """Refuses settings that make no sense for a kind of label, before any training.

    Raises:
      ConfigError: if a transfer objective with a weight has no loss for the objective, or if a temperature is set that
        changes nothing.
    """
    for one in (config.temperature, config.temperature_end):
        if one is not None:
            objective.assert_temperature(one)
    for name, weight in config.weights.items():
        transfer = TRANSFERS[name]
        if objective.activation not in transfer.by_activation:
            known = [other for other, one in TRANSFERS.items() if objective.activation in one.by_activation]
            raise ConfigError(
                f"distillation.{name}_weight compares {transfer.words}, which makes no sense for label "
                f"'{objective.label.name}', learnt from {objective.output_words}; received {weight:g}: set it to 0. "
                f"For this kind of label there is {' and '.join(f'distillation.{one}_weight' for one in known)}"
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
