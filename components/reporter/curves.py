"""Reads the loss curves and the last validations of a training from its ModelRun."""

from __future__ import annotations

import json
from typing import Any

from limbeck import files
from limbeck.report.curves import Curve, thin
from limbeck.report.findings import CurvePoint, ValidationFigures

HISTORY_FILE = "history.json"


def read(model_run: str) -> tuple[Curve, ...]:
    """Returns the thinned loss curve of each member of the ensemble that the ModelRun at `model_run` trained."""
    members = [[CurvePoint(point["step"], point["loss"]) for point in member] for member in _members(model_run)]
    return tuple(thin(member) for member in members)


def last_validations(model_run: str) -> tuple[ValidationFigures, ...]:
    """Returns the last validation of each member; empty if the training had no validation."""
    validated = [
        [point for point in member if point.get("validation") is not None] for member in _members(model_run)
    ]
    return tuple(_figures(points[-1]) for points in validated if points)


def _members(model_run: str) -> list[list[dict[str, Any]]]:
    members: list[list[dict[str, Any]]] = json.loads(files.read_text(files.join(model_run, HISTORY_FILE)))[
        "members"
    ]
    return members


def _figures(point: dict[str, Any]) -> ValidationFigures:
    found = point["validation"]
    return ValidationFigures(point["step"], found["examples"], found["metrics"])
