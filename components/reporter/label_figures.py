"""Computes the figures of each label separately, to show which of several labels the student has not learnt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from limbeck.components.predictor import tables
from limbeck.examples import TEST
from limbeck.objectives.macro_area import areas
from limbeck.objectives.objective import Objective
from limbeck.report.findings import LabelFigures


def read(table: pa.Table, models: Sequence[str], objective: Objective) -> tuple[LabelFigures, ...]:
    """Returns the figures of each label on the test split, in the order of the outputs.

    Args:
      table: predictions on the test split.
      models: the models to judge. One with an output that is not finite is left out.
      objective: an objective whose label is a 0 or 1 for each output.
    """
    answers = tables.answers(table, TEST, objective)
    if not len(answers.labels):
        return ()
    found = {name: areas(answers.outputs[name], answers.labels) for name in models if name in answers.outputs}
    positives, known = (answers.labels == 1).sum(axis=0), (answers.labels != objective.unlabelled).sum(axis=0)
    return tuple(
        LabelFigures(
            label=name,
            positives=int(positives[number]),
            examples=int(known[number]),
            auc={model: None if np.isnan(one[number]) else float(one[number]) for model, one in found.items()},
        )
        for number, name in enumerate(objective.raw_features)
    )
