"""The table of predictions, and what is computed from it."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.components.comparison.answers import Answers
from limbeck.compression_record import CompressionRecord
from limbeck.examples import TEST
from limbeck.models import STUDENT
from limbeck.objectives.measure import Measure
from limbeck.objectives.objective import Objective
from limbeck.objectives.wording import Wording
from limbeck.records import STRICT, from_json
from limbeck.trainer.data.preprocessing import assert_declared
from limbeck.trainer.serving.latency import Latency

MEASUREMENTS_FILE = "measurements.json"
# Files with this prefix hold the answers of the students of further seeds to the test split.
SEEDS = "seeds"
_TYPES = MappingProxyType({"int64": pa.int64(), "float32": pa.float32()})


def schema(objective: Objective) -> pa.Schema:
    """Returns the columns of the table. A label with several values is a list."""
    label = _TYPES[objective.label_dtype]
    return pa.schema(
        [
            ("example_id", pa.string()),
            ("split", pa.string()),
            ("model", pa.string()),
            ("label", pa.list_(label) if objective.label_shape else label),
            ("logits", pa.list_(pa.float32())),
        ]
    )


@dataclass(frozen=True, config=STRICT)
class ModelFacts:
    """What a model costs: number of weights, bytes of its SavedModel folder or file, latency in milliseconds."""

    parameters: int
    bytes: int
    latency_ms: Latency


@dataclass(frozen=True, config=STRICT)
class Measured:
    """What was measured of each model, by the model's name.

    Attributes:
      models: what each model costs.
      measure: the metric that the gate compares.
      metrics: the model's metrics on the test split, by name; null if undefined.
      examples: number of labelled test examples, over which the metrics are.
      wording: what the report says of the objective.
      compression: how the student was compressed; null if the run does not compress it.
    """

    models: dict[str, ModelFacts]
    measure: Measure
    metrics: dict[str, dict[str, float | None]]
    examples: dict[str, int]
    wording: Wording = Wording()
    compression: CompressionRecord | None = None


@dataclasses.dataclass(frozen=True)
class Quality:
    """How well a model does on the labelled examples of one split.

    Attributes:
      examples: number of labelled examples. If there are none, or if an output is not finite, the other figures are
        NaN.
      score: the value of the objective's measure; for classes, the accuracy. NaN if the labels do not define it, as an
        AUC of positive examples only.
      loss: mean hard loss; for classes, the cross-entropy of the label, in nats.
      further: further figures by name.
    """

    examples: int
    score: float
    loss: float
    further: Mapping[str, float] = MappingProxyType({})

    def metrics(self, objective: Objective) -> dict[str, float | None]:
        """Returns all figures by the objective's names; None if undefined."""
        named = {objective.measure.key: self.score, objective.loss_key: self.loss, **self.further}
        return {name: value if math.isfinite(value) else None for name, value in named.items()}


def quality(table: pa.Table, model: str, split: str, objective: Objective) -> Quality:
    """Returns the figures of one model on the labelled examples of one split of a predictions table."""
    chosen = table.filter(pc.and_(pc.equal(table["model"], model), pc.equal(table["split"], split)))
    rows = labelled(chosen, objective)
    if not len(rows):
        return Quality(examples=0, score=math.nan, loss=math.nan)
    outputs, labels = outputs_of(rows, objective), labels_of(rows, objective)
    if not np.isfinite(outputs).all():
        # np.argmax treats NaN as the largest value, so a broken model would seem right on one class.
        return Quality(examples=len(labels), score=math.nan, loss=math.nan)
    return Quality(
        examples=len(labels),
        score=objective.statistic.value(outputs, labels),
        loss=float(np.mean(objective.losses(outputs, labels))),
        further=objective.further_metrics(outputs, labels),
    )


def answers(table: pa.Table, split: str, objective: Objective) -> Answers:
    """Returns each model's answers to the labelled examples of a split, ordered by the ids of the examples.

    Models with an output that is not finite are left out.
    """
    chosen = labelled(table.filter(pc.equal(table["split"], split)), objective)
    chosen = chosen.sort_by([("model", "ascending"), ("example_id", "ascending")])
    found, labels = {}, labels_of(chosen.slice(0, 0), objective)
    for model in pc.unique(chosen["model"]).to_pylist():
        rows = chosen.filter(pc.equal(chosen["model"], model))
        outputs = outputs_of(rows, objective)
        if np.isfinite(outputs).all():
            # All models answered the same examples.
            found[model], labels = outputs, labels_of(rows, objective)
    return Answers(labels, found)


def labelled(table: pa.Table, objective: Objective) -> pa.Table:
    """Returns the rows of examples that have a label."""
    return table.filter(pa.array(np.asarray(objective.labelled(labels_of(table, objective)))))


def outputs_of(table: pa.Table, objective: Objective) -> npt.NDArray[np.float64]:
    """Returns the column `logits` as float64 `[rows, outputs]`."""
    return _flat(table["logits"]).astype(np.float64).reshape(-1, objective.outputs)


def labels_of(table: pa.Table, objective: Objective) -> npt.NDArray[Any]:
    """Returns the column `label` as `[rows, *label_shape]`."""
    if not objective.label_shape:
        return np.asarray(table["label"].to_numpy())
    return _flat(table["label"]).reshape(-1, *objective.label_shape)


def _flat(lists: pa.ChunkedArray) -> npt.NDArray[Any]:
    # Python lists would take about a hundred times the memory.
    return np.asarray(lists.combine_chunks().flatten().to_numpy(zero_copy_only=False))


def assert_labels_declared(table: pa.Table, objective: Objective) -> None:
    """Raises DataError if a label is not declared by the task. It must not count as a model's mistake."""
    for split in pc.unique(table["split"]).to_pylist():
        chosen = pc.and_(pc.equal(table["split"], split), pc.equal(table["model"], STUDENT))
        labels = labels_of(table.filter(chosen), objective)
        assert_declared(objective, labels, f"examples of the split '{split}'")


def read(folder: str, split: str, model: str | None = None, columns: Sequence[str] | None = None) -> pa.Table:
    """Reads one split of a predictions artifact.

    Predictions take space for each model, example and class, most of it in the training split. So a caller says what it
    needs. Only this part and one batch of rows are in memory.

    Args:
      folder: folder of the artifact.
      split: name of the split.
      model: name of the model whose rows are read; None reads those of all models.
      columns: names of the columns to read; None reads all.

    Raises:
      FileNotFoundError: if the artifact has no such split.
    """
    tables = []
    for path in _split_files(folder, split):
        with files.open_to_read(path) as file:
            parquet = pq.ParquetFile(file)
            wanted = list(columns) if columns is not None else parquet.schema_arrow.names
            tables.append(pa.schema([parquet.schema_arrow.field(name) for name in wanted]).empty_table())
            for batch in parquet.iter_batches(columns=list(dict.fromkeys([*wanted, "model"]))):
                rows = pa.Table.from_batches([batch])
                chosen = rows if model is None else rows.filter(pc.equal(rows["model"], model))
                tables.append(chosen.select(wanted))
    return pa.concat_tables(tables)


def read_test_split(folder: str) -> pa.Table:
    """Reads the test split of a predictions artifact, with all models and columns, once in each process.

    Predictor, Gate and Reporter all read it, and on one machine they run in one process. The last table is kept in
    memory as long as its files are unchanged.
    """
    found = _split_files(folder, TEST)
    return _whole_test_split(folder, tuple((path, files.size(path), files.modified(path)) for path in found))


@functools.lru_cache(maxsize=1)
def _whole_test_split(folder: str, _: tuple[tuple[str, int, int], ...]) -> pa.Table:
    return read(folder, TEST)


def _split_files(folder: str, split: str) -> list[str]:
    names = [name for name in files.names(folder) if _is_of(name, split)]
    if not names:
        raise FileNotFoundError(
            f"the predictions must hold Parquet files of the split '{split}', and there are none in {folder}"
        )
    return [files.join(folder, name) for name in names]


def _is_of(name: str, split: str) -> bool:
    return re.fullmatch(rf"{re.escape(split)}-\d+-of-\d+\.parquet", name) is not None


def read_seeds(folder: str, objective: Objective) -> dict[str, list[npt.NDArray[np.float64]]]:
    """Reads the answers of the students of further seeds to the labelled test examples.

    Returns:
      float64 `[examples, outputs]` for each seed by the model's name, ordered as `answers` orders examples. Empty if
      the run has one seed.
    """
    if not any(_is_of(name, SEEDS) for name in files.names(folder)):
        return {}
    table = labelled(read(folder, SEEDS), objective)
    table = table.sort_by([("model", "ascending"), ("seed", "ascending"), ("example_id", "ascending")])
    found: dict[str, list[npt.NDArray[np.float64]]] = {}
    for model in pc.unique(table["model"]).to_pylist():
        rows = table.filter(pc.equal(table["model"], model))
        seeds = pc.unique(rows["seed"]).to_pylist()
        found[model] = [outputs_of(rows.filter(pc.equal(rows["seed"], seed)), objective) for seed in seeds]
    return found


def read_measured(folder: str) -> Measured:
    """Reads the measurements artifact at `folder`."""
    return from_json(Measured, files.read_text(files.join(folder, MEASUREMENTS_FILE)))
