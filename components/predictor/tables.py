"""The table of predictions and what is computed from it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.examples import UNLABELLED
from limbeck.models import STUDENT
from limbeck.records import STRICT, from_json
from trainer.data.preprocessing import assert_declared
from trainer.serving.latency import Latency

MEASUREMENTS_FILE = "measurements.json"

SCHEMA = pa.schema(
    [
        ("example_id", pa.string()),
        ("split", pa.string()),
        ("model", pa.string()),
        ("label", pa.int64()),
        ("logits", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True, config=STRICT)
class ModelFacts:
    """What a model costs: weights, bytes of its serving SavedModel folder, latency in milliseconds."""

    parameters: int
    bytes: int
    latency_ms: Latency


@dataclass(frozen=True, config=STRICT)
class Measured:
    """The facts of each model, by name."""

    models: dict[str, ModelFacts]


@dataclasses.dataclass(frozen=True)
class Quality:
    """How well a model predicts the labelled examples of one split.

    Attributes:
      examples: number of labelled examples; with none, or where a logit is not finite, the other figures are NaN.
      accuracy: share of examples whose most probable class is the label.
      log_loss: mean cross-entropy of the label, in nats.
    """

    examples: int
    accuracy: float
    log_loss: float


def as_members(flat: Sequence[float], classes: int) -> npt.NDArray[np.float32]:
    """Logits stored row by row -> float32 `[members, classes]`."""
    return np.asarray(flat, np.float32).reshape(-1, classes)


def ensemble_logits(members: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Logarithm of the mean probability of an ensemble: `[members, classes]` -> `[classes]`.

    A single member's logits are returned as they are.
    """
    if len(members) == 1:
        return members[0]
    logits = members.astype(np.float64)
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return (np.logaddexp.reduce(logs, axis=0) - np.log(len(members))).astype(np.float32)


def quality(table: pa.Table, model: str, split: str) -> Quality:
    """Accuracy and log loss of one model on the labelled examples of one split of a predictions table."""
    chosen = table.filter(pc.and_(pc.equal(table["model"], model), pc.equal(table["split"], split)))
    labels = chosen["label"].to_numpy()
    seen = labels != UNLABELLED
    if not seen.any():
        return Quality(examples=0, accuracy=math.nan, log_loss=math.nan)
    logits = np.stack(chosen["logits"].to_pylist())[seen].astype(np.float64)
    labels = labels[seen]
    if not np.isfinite(logits).all():
        # np.argmax takes NaN for the largest, and would find a broken model right about some class.
        return Quality(examples=len(labels), accuracy=math.nan, log_loss=math.nan)
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return Quality(
        examples=len(labels),
        accuracy=float(np.mean(np.argmax(logits, axis=1) == labels)),
        log_loss=float(-np.mean(logs[np.arange(len(labels)), labels])),
    )


def predicted_right(table: pa.Table, split: str) -> dict[str, npt.NDArray[np.bool_]]:
    """Which labelled examples of a split each model predicts right: bool `[examples]`, in the order of their ids.

    A model with a logit that is not finite is left out.
    """
    labelled = pc.and_(pc.equal(table["split"], split), pc.not_equal(table["label"], UNLABELLED))
    chosen = table.filter(labelled).sort_by([("model", "ascending"), ("example_id", "ascending")])
    right = {}
    for model in pc.unique(chosen["model"]).to_pylist():
        rows = chosen.filter(pc.equal(chosen["model"], model))
        logits = np.stack(rows["logits"].to_pylist())
        if np.isfinite(logits).all():
            right[model] = np.argmax(logits, axis=1) == rows["label"].to_numpy()
    return right


def assert_labels_declared(table: pa.Table) -> None:
    """Raises DataError where a label is none of the task's classes: it must not count as a model's mistake."""
    for split in pc.unique(table["split"]).to_pylist():
        chosen = pc.and_(pc.equal(table["split"], split), pc.equal(table["model"], STUDENT))
        assert_declared(table.filter(chosen)["label"].to_numpy(), f"examples of the split '{split}'")


def read(folder: str) -> pa.Table:
    """Reads the predictions artifact at `folder`."""
    found = [name for name in files.names(folder) if name.endswith(".parquet")]
    if not found:
        raise FileNotFoundError(f"the predictions must hold Parquet files, and there are none in {folder}")
    read_files = []
    for name in found:
        with files.open_to_read(files.join(folder, name)) as file:
            read_files.append(pq.read_table(file, schema=SCHEMA))
    return pa.concat_tables(read_files)


def read_measured(folder: str) -> Measured:
    """Reads the measurements artifact at `folder`."""
    return from_json(Measured, files.read_text(files.join(folder, MEASUREMENTS_FILE)))
