"""Predicts on a cluster that calls a function for each file. Each file of a split gets one file of the table.

The rows equal those that Beam writes, to the bit. Only the division into files differs.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from limbeck.components.artifacts.record_files import read_records
from limbeck.components.inference import batches
from limbeck.components.mapping import whole
from limbeck.components.mapping.cluster import Cluster
from limbeck.components.mapping.worker import task_here
from limbeck.components.predictor import rows, tables
from limbeck.components.predictor.asked import AskedModels
from limbeck.components.predictor.rows import Row
from limbeck.examples import TEST
from limbeck.objectives.objective import Objective
from limbeck.trainer.serving.compressed import CompressedModel


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of a split.

    Attributes:
      split: name of the split.
      source: path of its labelled examples.
      destination: path of its rows.
      scratch: folder for files that are being written.
      seeds: whether only the students of further seeds are asked.
    """

    split: str
    source: str
    destination: str
    scratch: str
    seeds: bool = False

    def __str__(self) -> str:
        return self.source


def predict(parts: Sequence[Part], models: AskedModels, cluster: Cluster) -> None:
    """Writes the rows of each part. The folders of the parts must exist."""
    cluster.map(functools.partial(predict_file, models), parts)


def parts_of(split: str, sources: Sequence[str], folder: str, scratch: str, seeds: bool = False) -> list[Part]:
    """Returns the parts of a split.

    Args:
      split: name of the split.
      sources: paths of its files.
      folder: folder of the table.
      scratch: folder for files that are being written.
      seeds: as in `Part`.
    """
    name = tables.SEEDS if seeds else split
    return [
        Part(split, source, f"{folder}/{name}-{number:05d}-of-{len(sources):05d}.parquet", scratch, seeds)
        for number, source in enumerate(sources)
    ]


def predict_file(models: AskedModels, part: Part) -> int:
    """Writes the rows of one file. Returns how many there are.

    The rows depend only on the part and the models.

    Raises:
      ConfigError: if this process finds another model in a folder.
      OSError: if a file cannot be read or written.
    """
    import pyarrow as pa
    import pyarrow.parquet

    objective = task_here(models.task).load().objective
    schema = tables.schema(objective)
    answers = _of_students(models, part, objective)
    if part.seeds:
        schema, answers = schema.append(pa.field("seed", pa.int64())), _of_seeds(models)
    count = 0
    with (
        whole.written(part.destination, part.scratch) as path,
        pyarrow.parquet.ParquetWriter(path, schema) as writer,
    ):
        for batch in batches.batched(read_records(part.source)):
            table = pa.Table.from_pylist(list(answers(batch)), schema)
            writer.write_table(table)
            count += len(table)
    return count


def _of_students(models: AskedModels, part: Part, objective: Objective) -> Any:
    """Returns a function that yields the rows of a batch: of all students that score the split, and of the teachers."""
    split = part.split
    saved = {name: one.load() for name, one in models.saved.items() if rows.scores(name, split)}
    files = {name: CompressedModel(folder) for name, folder in models.files.items() if rows.scores(name, split)}

    def answered(batch: list[bytes]) -> Iterator[Row]:
        for name, model in saved.items():
            yield from _rows(batch, name, split, batches.logits_of(model, batch)[:, 0])
        for name, file in files.items():
            yield from _rows(batch, name, split, file.answer_transformed(batch))
        for example in batch:
            yield rows.teacher_row(example, objective, split, models.labelling)

    return answered


def _of_seeds(models: AskedModels) -> Any:
    """Returns a function that yields the rows of a batch for the students of further seeds."""
    saved = {name: one.load() for name, one in models.further.items()}

    def answered(batch: list[bytes]) -> Iterator[Row]:
        for name, model in saved.items():
            for example, logits in zip(batch, batches.logits_of(model, batch), strict=True):
                yield from rows.rows_of_seeds(example, name, TEST, logits)

    return answered


def _rows(batch: list[bytes], name: str, split: str, answers: Iterable[Any]) -> Iterator[Row]:
    for example, logits in zip(batch, answers, strict=True):
        yield rows.row_of(example, name, split, logits)
