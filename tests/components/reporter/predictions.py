"""Tables of predictions from arrays, and what NumPy alone makes of the same arrays."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from limbeck.components.predictor import tables
from tests.classes import classes


def table(labels: Any, logits: Any, model: str = "student", split: str = "test") -> pa.Table:
    """Rows of one model and one split; the ids are `id-0000`, `id-0001` ...

    Args:
      labels: integers `[examples]`.
      logits: float32 `[examples, classes]`.
    """
    pairs = enumerate(zip(np.asarray(labels).tolist(), np.asarray(logits, np.float32).tolist(), strict=True))
    rows = [
        {"example_id": f"id-{number:04}", "split": split, "model": model, "label": label, "logits": row}
        for number, (label, row) in pairs
    ]
    return pa.Table.from_pylist(rows, schema=tables.schema(classes()))


def probabilities(logits: Any) -> npt.NDArray[np.float64]:
    """Softmax over the last axis."""
    raised = np.exp(np.asarray(logits, np.float64))
    return raised / raised.sum(axis=-1, keepdims=True)
