"""Runs the readers on Beam, inside TFX's own ExampleGen, which keeps its splits, hash buckets and spans.

Each format has its own executor, so that the digest of one does not change with the code of another.
"""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import apache_beam as beam
import tensorflow as tf
from tfx.components.example_gen import base_example_gen_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from limbeck.components.artifacts.files import Artifacts
from limbeck.components.example_gen import columns, faults, inspection, label_counts
from limbeck.components.example_gen.columns import Columns, Evidence
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.files import matching
from limbeck.components.example_gen.options import Options, from_custom_config
from limbeck.components.example_gen.parquet_files import ParquetFiles
from limbeck.components.example_gen.tfrecord_files import TFRecordFiles
from limbeck.errors import DataError

Properties = dict[str, Any]
ReadFile = Callable[[str, Columns], Iterator[tuple[str, tf.train.Example]]]


class TableFiles(Protocol):
    """A format whose files have columns."""

    def names(self, path: str) -> tuple[str, ...]:
        """Returns the names of the columns of a file."""

    def evidence(self, path: str) -> Evidence:
        """Returns what the columns of a file hold."""

    def settle(self, found: Evidence) -> Columns:
        """Returns the kind of each column, from the evidence of all files of all splits."""

    def examples(self, path: str, kinds: Columns) -> Iterator[tuple[str, tf.train.Example]]:
        """Yields place and content of each example of a file."""


class Executor(base_example_gen_executor.BaseExampleGenExecutor, abc.ABC):
    """Files -> examples, with features in a fixed order. Different files are read in parallel."""

    @abc.abstractmethod
    def prepare(self, pipeline: beam.Pipeline, files: Mapping[str, list[str]], options: Options) -> _Reading:
        """Returns how a file is read. `files` are all files by their pattern."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties) -> None:  # noqa: N802
        """Called by TFX. Raises DataError, with the name of the file, if the data cannot be read."""
        self._destination = artifact_utils.get_single_uri(output_dict["examples"])
        with faults.unmarked():
            super().Do(input_dict, output_dict, exec_properties)

    def GenerateExamplesByBeam(  # noqa: N802
        self, pipeline: beam.Pipeline, exec_properties: Properties
    ) -> dict[str, beam.PCollection]:
        """Called by TFX's `Do`. Returns serialized tf.Examples by split."""
        self._files, self._splits = _files(exec_properties)
        options = from_custom_config(exec_properties.get("custom_config"))
        self._reading = self.prepare(pipeline, self._files, options)
        self._declaration = options.declaration
        self._summaries: list[beam.PCollection] = []
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        _ = (
            tuple(self._summaries)
            | "Summaries" >> beam.Flatten()
            | "MergeSummaries" >> beam.CombineGlobally(inspection.merge)
            | "Conclude" >> beam.Map(_conclude, self._destination)
        )
        # Serialized last, because TFX may divide splits by a feature's value, and needs unserialized examples for it.
        return {
            split: examples | f"Serialize[{split}]" >> beam.Map(serialize).with_output_types(bytes)
            for split, examples in splits.items()
        }

    def GetInputSourceToExamplePTransform(self) -> Callable[[Properties, str], beam.PTransform]:  # noqa: N802
        """Called by TFX. Returns the function that makes the transform of one pattern."""
        return lambda _, pattern: _ReadFiles(
            self._files[pattern], self._reading, self._splits[pattern], self._declaration, self._summaries
        )


class TFRecordExecutor(Executor):
    """Reads TFRecord files of tf.Example."""

    def prepare(self, pipeline: beam.Pipeline, files: Mapping[str, list[str]], options: Options) -> _Reading:
        """Returns how a file is read. Records contain the kinds of their features."""
        return _Reading(_read_records, {})


class _TableExecutor(Executor, abc.ABC):
    """Reads all files twice: for the kinds of the columns, which hold for the whole input, and for the rows."""

    @abc.abstractmethod
    def reader(self, options: Options) -> TableFiles:
        """Returns the reader of the format."""

    def prepare(self, pipeline: beam.Pipeline, files: Mapping[str, list[str]], options: Options) -> _Reading:
        """Finds the kinds of the columns. Returns how a file is read."""
        reader = self.reader(options)
        elements = sorted({_TableFile(path, paths[0]) for paths in files.values() for path in paths})
        kinds = (
            pipeline
            | "AllFiles" >> beam.Create(elements)
            | "Spread" >> beam.Reshuffle()
            | "Evidence" >> beam.Map(_evidence, reader)
            | "Merge" >> beam.CombineGlobally(columns.merge)
            | "Settle" >> beam.Map(_settle, reader)
        )
        return _Reading(reader.examples, beam.pvalue.AsSingleton(kinds))


class CsvExecutor(_TableExecutor):
    """Reads CSV files with a header line."""

    def reader(self, options: Options) -> TableFiles:
        """Returns the reader of CSV."""
        return CsvFiles(options.encoding, options.declaration)


class ParquetExecutor(_TableExecutor):
    """Reads Parquet files."""

    def reader(self, options: Options) -> TableFiles:
        """Returns the reader of Parquet."""
        return ParquetFiles(options.declaration)


@dataclasses.dataclass(frozen=True)
class _Reading:
    """How a file is read, and the kinds of the whole input's columns (a side input if they must be found first)."""

    read: ReadFile
    kinds: Any


@dataclasses.dataclass(frozen=True, order=True)
class _TableFile:
    """A file, and the first file of its split. Both must have the same columns."""

    path: str
    first: str


def serialize(example: tf.train.Example) -> bytes:
    """Returns the same bytes for the same features in every process."""
    return bytes(example.SerializeToString(deterministic=True))


def _files(properties: Properties) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Returns files and split of each pattern. Raises DataError if there are no files."""
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(properties["input_config"], config)
    try:
        found = {split.pattern: matching(properties["input_base"], split.pattern) for split in config.splits}
    except DataError as error:
        span = properties.get("span")
        if not span:
            raise
        raise DataError(
            f"{error}. Span {span} was asked for: numbers padded with zeros need {{SPAN:width}}"
        ) from None
    return found, {split.pattern: split.name for split in config.splits}


class _ReadFiles(beam.PTransform):
    """Files -> tf.train.Example. Appends a summary of the examples to `summaries`."""

    def __init__(
        self,
        files: list[str],
        reading: _Reading,
        split: str,
        declaration: Declaration,
        summaries: list[beam.PCollection],
    ) -> None:
        super().__init__()
        self._files_of_split, self._reading = files, reading
        self._split, self._declaration, self._summaries = split, declaration, summaries

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Called by Beam."""
        read = (
            pipeline
            | "Files" >> beam.Create(self._files_of_split)
            | "Spread" >> beam.Reshuffle()
            | "Read"
            >> beam.FlatMap(
                _read, self._reading.read, self._reading.kinds, self._split, self._declaration
            ).with_outputs(_SUMMARY, main="examples")
        )
        self._summaries.append(read[_SUMMARY])
        return read["examples"]


_SUMMARY = "summary"


def _read(path: str, read: ReadFile, kinds: Columns, split: str, declaration: Declaration) -> Iterator[Any]:
    summary = inspection.SplitSummary(split)
    with faults.marked():
        for place, example in read(path, kinds):
            summary.take(example, place, declaration)
            yield example
    yield beam.pvalue.TaggedOutput(_SUMMARY, (summary,))


def _conclude(summaries: tuple[inspection.SplitSummary, ...], destination: str) -> None:
    with faults.marked():
        inspection.assert_sound(summaries)
    label_counts.write(summaries, destination)


def _read_records(path: str, _: Columns) -> Iterator[tuple[str, tf.train.Example]]:
    return TFRecordFiles().examples(path)


def _evidence(file: _TableFile, reader: TableFiles) -> Evidence:
    with faults.marked():
        if file.path != file.first:
            columns.check_same(file.first, reader.names(file.first), file.path, reader.names(file.path))
        return reader.evidence(file.path)


def _settle(found: Evidence, reader: TableFiles) -> Columns:
    with faults.marked():
        return reader.settle(found)
