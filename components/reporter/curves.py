"""Reads the loss curves of a training from the file that it left."""

from __future__ import annotations

import json

from limbeck import files
from limbeck.report.curves import Curve, thin
from limbeck.report.findings import CurvePoint

HISTORY_FILE = "history.json"


def read(model_run: str) -> tuple[Curve, ...]:
    """Returns the thinned loss curve of each member of the ensemble that the ModelRun at `model_run` trained."""
    history = json.loads(files.read_text(files.join(model_run, HISTORY_FILE)))
    members = [[CurvePoint(point["step"], point["loss"]) for point in member] for member in history["members"]]
    return tuple(thin(member) for member in members)
