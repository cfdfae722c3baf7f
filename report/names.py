"""What a reader calls the models that files call `student_hard_labels`."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.models import MODELS

OTHER = "other"


def ordered(models: Iterable[str]) -> tuple[str, ...]:
    """Teacher, student, controls, and any others as they come."""
    known = list(MODELS)
    return tuple(sorted(models, key=lambda name: known.index(name) if name in known else len(known)))


def kind(model: str) -> str:
    """The CSS class of a model's marks, such as `hard-labels`; `other` for a model that this page does not know."""
    return model.removeprefix("student_").replace("_", "-") if model in MODELS else OTHER


def kinds() -> tuple[str, ...]:
    """Those of all models, in the order of the registry."""
    return tuple(kind(name) for name in MODELS)


def short(model: str) -> str:
    """For a label in a picture."""
    return MODELS[model].short if model in MODELS else model


def full(model: str) -> str:
    """For a text."""
    return MODELS[model].title if model in MODELS else model
