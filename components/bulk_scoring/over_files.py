"""Scores files of raw rows on a cluster that calls a function for each file. Each file gets a file of answers.

Beam moves the rows of all files between its workers. Here only names and counts move. A worker reads a file, scores it,
and writes all of its answers or none. The answers equal those of `scoring`, to the bit.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Iterator
from typing import Any

from limbeck.beam_processes import faults
from limbeck.chunks import chunks
from limbeck.components.bulk_scoring import answers, rows
from limbeck.components.bulk_scoring.job import ScoringJob
from limbeck.components.example_gen import columns
from limbeck.components.example_gen.columns import Columns, Evidence
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.files import matching
from limbeck.components.inference import batches
from limbeck.components.inference.batches import SavedModel
from limbeck.components.mapping import whole
from limbeck.components.mapping.cluster import Cluster, Needs, connected
from limbeck.files import is_local
from limbeck.settings.scoring import ScoringConfig

# How many rows of a file of answers are in memory at the same time.
_ROWS = 64 * batches.BATCH_SIZE


@dataclasses.dataclass(frozen=True)
class Scored:
    """What the workers need to know about a job.

    Attributes:
      job: the job.
      model: the model of the job.
      declaration: what the task declares of its features.
      needed: names of the features that every row must have.
      kinds: kinds of the columns of all files; empty for TFRecord files.
    """

    job: ScoringJob
    model: SavedModel
    declaration: Declaration
    needed: tuple[str, ...]
    kinds: Columns = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Part:
    """One file of the data.

    Attributes:
      source: its path or URI.
      destination: path of its answers.
      scratch: folder for answers that are being written.
    """

    source: str
    destination: str
    scratch: str

    def __str__(self) -> str:
        return self.source


def score(job: ScoringJob, settings: ScoringConfig) -> int:
    """Writes the answers. Returns how many rows were scored.

    Args:
      job: what is scored.
      settings: which cluster scores.

    Raises:
      ConfigError: if the output is there already, or a kept column has the name of an answer.
      DataError: if the data cannot be read, or a row is not what the task declares.
      UserError: if there is no such cluster, or if a worker must not work for this process.
    """
    job.assert_new()
    sources = matching(job.data, "")
    model = SavedModel.of(job.model)
    # This check comes before the connection to a cluster, so that the mistake is reported early.
    answers.schema(answers.outputs_of(model.load()), job.keep)
    results, scratch = job.unfinished / "answers", job.unfinished / "writing"
    whole.given_up(job.unfinished)
    try:
        for folder in (results, scratch):
            folder.mkdir(parents=True)
        named = f"-of-{len(sources):05d}.parquet"
        parts = [
            Part(source, str(results / f"answers-{number:05d}{named}"), str(scratch))
            for number, source in enumerate(sources)
        ]
        readable = (f"{job.model}/saved_model.pb", *[source for source in sources if is_local(source)][:1])
        with connected(settings, Needs(job.task, str(scratch), readable)) as cluster:
            count = _score(job, model, parts, cluster)
        results.rename(job.output)
    finally:
        whole.given_up(job.unfinished)
    return count


def _score(job: ScoringJob, model: SavedModel, parts: list[Part], cluster: Cluster) -> int:
    task = job.task.load()
    scored = Scored(job, model, rows.features_of(task), rows.required(task))
    if job.format != "tfrecord":
        found = cluster.map(functools.partial(evidence_of, scored), parts)
        reader: Any = rows.reader_of(job, scored.declaration)
        with faults.unmarked():
            scored = dataclasses.replace(scored, kinds=rows.settle(columns.merge(found), reader))
    return sum(cluster.map(functools.partial(score_file, scored), parts))


def evidence_of(scored: Scored, part: Part) -> Evidence:
    """Returns what the declared columns of a file hold. Raises a marked DataError if a column is missing."""
    reader: Any = rows.reader_of(scored.job, scored.declaration)
    return rows.evidence(part.source, reader, scored.needed)


def score_file(scored: Scored, part: Part) -> int:
    """Writes the answers to the rows of one file. Returns how many there are.

    The file of answers depends on the content of the file and on the model alone.

    Raises:
      ConfigError: if this process finds another model in the folder than the job's model.
      DataError: marked, as in `limbeck.components.bulk_scoring.rows.read`.
    """
    import pyarrow.parquet

    model = scored.model.load()
    schema = answers.schema(answers.outputs_of(model), scored.job.keep)
    count = 0
    with (
        whole.written(part.destination, part.scratch) as path,
        pyarrow.parquet.ParquetWriter(path, schema) as writer,
    ):
        for table in _tables(_answered(scored, part, model), schema):
            writer.write_table(table)
            count += len(table)
    return count


def _answered(scored: Scored, part: Part, model: Any) -> Iterator[dict[str, Any]]:
    job = scored.job
    reader = rows.reader_of(job, scored.declaration)
    read = rows.read(part.source, scored.kinds, reader, job.keep, (scored.declaration, scored.needed))
    for batch in batches.batched(read):
        said = batches.answers_of(model, [example for _, example in batch])
        for (key, _), answer in zip(batch, said, strict=True):
            yield answers.row(key.place, dict(zip(job.keep, key.kept, strict=True)), answer)


def _tables(found: Iterable[dict[str, Any]], schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    for some in chunks(found, _ROWS):
        yield pa.Table.from_pylist(some, schema)
