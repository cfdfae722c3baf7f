"""What a reader calls the models that files call `student_hard_labels`."""

from __future__ import annotations

from collections.abc import Iterable

from limbeck.models import HARD_LABELS, PSEUDO_LABELS, STUDENT, TEACHER

_KINDS = {TEACHER: "teacher", STUDENT: "student", HARD_LABELS: "hard-labels", PSEUDO_LABELS: "pseudo-labels"}
_SHORT = {HARD_LABELS: "on hard labels", PSEUDO_LABELS: "on pseudo-labels"}


def ordered(models: Iterable[str]) -> tuple[str, ...]:
    """Teacher, student, controls, and any others as they come."""
    known = list(_KINDS)
    return tuple(sorted(models, key=lambda name: known.index(name) if name in known else len(known)))


def kind(model: str) -> str:
    """A CSS class, and the shape of its marker; `other` for a model that this page does not know."""
    return _KINDS.get(model, "other")


def short(model: str) -> str:
    """For a label in a picture."""
    return _SHORT.get(model, model)


def full(model: str) -> str:
    """For a text."""
    return f"student {_SHORT[model]}" if model in _SHORT else model
