"""The names of the models for readers. Files call them `student_hard_labels` and so on."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.models import MODELS

OTHER = "other"


def ordered(models: Iterable[str]) -> tuple[str, ...]:
    """Returns teacher, student and controls in this order, and then any others."""
    known = list(MODELS)
    return tuple(sorted(models, key=lambda name: known.index(name) if name in known else len(known)))


def kind(model: str) -> str:
    """Returns the CSS class of a model's marks, such as `hard-labels`; `other` for a model that is not registered."""
    return model.removeprefix("student_").replace("_", "-") if model in MODELS else OTHER


def kinds() -> tuple[str, ...]:
    """Returns the CSS classes of all models, in the order of the registry."""
    return tuple(kind(name) for name in MODELS)


def short(model: str) -> str:
    """Returns a model's name for a label in a chart."""
    return MODELS[model].short if model in MODELS else model


def full(model: str) -> str:
    """Returns a model's name for a text."""
    return MODELS[model].title if model in MODELS else model
