"""The logits of one model for the labelled examples of a split, as arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limbeck.components.predictor import tables
from limbeck.objectives.objective import Objective


@dataclasses.dataclass(frozen=True)
class Scores:
    """One model's logits for the labelled examples of a split.

    Attributes:
      ids: string array `[examples]`, the examples' ids.
      labels: int64 `[answers]`, from 0. There is one answer for each example. If an example has several labels, there
        is one answer for each known label.
      logits: float64 `[answers, classes]`; they need not be finite. Their softmax gives the probabilities, even if the
        model has fewer outputs than there are classes.
    """

    ids: pa.ChunkedArray
    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float64]


def scores(table: pa.Table, model: str, split: str, objective: Objective) -> Scores:
    """Returns the rows of one model and one split in a predictions table, without unlabelled examples.

    Args:
      table: predictions.
      model: name of the model.
      split: name of the split.
      objective: an objective with classes.
    """
    chosen = table.filter(pc.and_(pc.equal(table["model"], model), pc.equal(table["split"], split)))
    chosen = tables.labelled(chosen, objective)
    logits = objective.class_logits(tables.outputs_of(chosen, objective))
    # Each of several labels is a separate answer. In this case, `ids` has one entry for each example, not for each
    # answer.
    labels = tables.labels_of(chosen, objective).reshape(-1)
    known = labels != objective.unlabelled
    return Scores(chosen["example_id"], labels[known], logits.reshape(-1, logits.shape[-1])[known])


def judgeable(table: pa.Table, model: str, split: str, objective: Objective) -> Scores | None:
    """Returns `scores`; None if the model cannot be judged: no example is labelled, or a logit is not finite."""
    found = scores(table, model, split, objective)
    # np.argmax treats NaN as the largest value, so a broken model would seem sure of a class.
    return found if len(found.labels) and np.isfinite(found.logits).all() else None


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the probabilities of logits; both are float64 `[examples, classes]`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
