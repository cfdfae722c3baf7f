"""The logits of one model for the labelled examples of a split, as arrays."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from limbeck.examples import UNLABELLED


@dataclasses.dataclass(frozen=True)
class Scores:
    """One model's logits for the labelled examples of a split.

    Attributes:
      ids: string array `[examples]`, the examples' ids.
      labels: int64 `[examples]`, from 0.
      logits: float64 `[examples, classes]`; they need not be finite.
    """

    ids: pa.ChunkedArray
    labels: npt.NDArray[np.int64]
    logits: npt.NDArray[np.float64]


def scores(table: pa.Table, model: str, split: str, classes: int) -> Scores:
    """Returns the rows of one model and one split in a predictions table, without unlabelled examples."""
    wanted = (
        pc.equal(table["model"], model),
        pc.equal(table["split"], split),
        pc.not_equal(table["label"], UNLABELLED),
    )
    chosen = table.filter(pc.and_(pc.and_(*wanted[:2]), wanted[2]))
    # Not as Python lists, which take about a hundred times the memory.
    flat = chosen["logits"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    logits = flat.astype(np.float64).reshape(-1, classes)
    return Scores(chosen["example_id"], chosen["label"].to_numpy(), logits)


def judgeable(table: pa.Table, model: str, split: str, classes: int) -> Scores | None:
    """Returns `scores`; None if the model cannot be judged: no example is labelled, or a logit is not finite."""
    found = scores(table, model, split, classes)
    # np.argmax takes NaN for the largest value, so a broken model would seem sure of a class.
    return found if len(found.labels) and np.isfinite(found.logits).all() else None


def softmax(logits: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Returns the probabilities of logits; both are float64 `[examples, classes]`."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))
