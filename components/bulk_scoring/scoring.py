"""Scores files of raw rows on any engine of Beam. Writes one row of answers for each raw row.

The output has all answers or does not exist: they are written to another folder, which is renamed at the end.
"""

from __future__ import annotations

import functools
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import KeyedModelHandler, PredictionResult, RunInference

from limbeck.beam_processes import faults
from limbeck.components.bulk_scoring import answers, rows
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.bulk_scoring.rows import Key
from limbeck.components.example_gen import columns
from limbeck.components.example_gen.files import matching
from limbeck.components.inference.handler import RawExamplesHandler


def score(job: ScoringJob, flags: Sequence[str]) -> int:
    """Writes the answers. Returns how many rows were scored.

    Args:
      job: what is scored.
      flags: Beam's flags.

    Raises:
      ConfigError: if the output is there already, or a kept column has the name of an answer.
      DataError: if the data cannot be read, or a row is not what the task declares.
    """
    job.assert_new()
    files = matching(job.data, "")
    schema = answers.schema(_outputs(job.model), job.keep)
    unfinished = job.unfinished
    shutil.rmtree(unfinished, ignore_errors=True)
    try:
        with faults.unmarked(), beam.Pipeline(argv=list(flags)) as pipeline:
            _ = (
                _read(pipeline, files, job)
                | "Score" >> RunInference(KeyedModelHandler(RawExamplesHandler(job.model)))
                | "Rows" >> beam.MapTuple(functools.partial(_row, keep=job.keep))
                | "Write"
                >> beam.io.WriteToParquet(str(unfinished / "answers"), schema, file_name_suffix=".parquet")
            )
        count = _count(unfinished)
        unfinished.rename(job.output)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return count


def _read(pipeline: beam.Pipeline, files: Sequence[str], job: ScoringJob) -> beam.PCollection:
    task = job.task.load()
    declaration, needed = rows.features_of(task), rows.required(task)
    reader = rows.reader_of(job, declaration)
    paths = pipeline | "Files" >> beam.Create(files) | "Spread" >> beam.Reshuffle()
    kinds: Any = {}
    if job.format != "tfrecord":
        kinds = beam.pvalue.AsSingleton(
            paths
            | "Evidence" >> beam.Map(rows.evidence, reader, needed)
            | "Merge" >> beam.CombineGlobally(columns.merge)
            | "Settle" >> beam.Map(rows.settle, reader)
        )
    read = paths | "Read" >> beam.FlatMap(rows.read, kinds, reader, job.keep, (declaration, needed))
    # With the reshuffle, all workers score the rows of one large file.
    return read | "Balance" >> beam.Reshuffle()


def _row(key: Key, result: PredictionResult, keep: Sequence[str]) -> dict[str, Any]:
    place, kept = key
    return answers.row(place, dict(zip(keep, kept, strict=True)), result.inference)


def _outputs(model: str) -> dict[str, Any]:
    import tensorflow as tf

    return answers.outputs_of(tf.saved_model.load(model))


def _count(folder: Path) -> int:
    import pyarrow.parquet

    return sum(pyarrow.parquet.read_metadata(str(path)).num_rows for path in folder.glob("*.parquet"))
