"""Runs the readers on Beam, inside TFX's own ExampleGen, which keeps its splits, hash buckets and spans.

Each format has its own executor, so that the digest of one does not change with the code of another.
"""

from __future__ import annotations

import abc
import dataclasses
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import tensorflow as tf
from tfx.components.example_gen import base_example_gen_executor
from tfx.components.example_gen.utils import generate_output_split_names
from tfx.components.example_gen.write_split import to_file_format_str
from tfx.components.util import examples_utils
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils
from tfx.utils import proto_utils

from limbeck.beam_processes import faults
from limbeck.chunks import chunks
from limbeck.components.artifacts.files import Artifacts
from limbeck.components.example_gen import (
    columns,
    dividing,
    input_notes,
    inspection,
    label_counts,
    row_counts,
)
from limbeck.components.example_gen.blocks import serialize
from limbeck.components.example_gen.columns import Columns, Evidence, Kind, Sighting
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.driver import UNLABELLED
from limbeck.components.example_gen.files import matching
from limbeck.components.example_gen.moments import Cuts
from limbeck.components.example_gen.options import Options, from_custom_config
from limbeck.components.example_gen.parquet_files import ParquetFiles
from limbeck.components.example_gen.reading import Reading, RowReader, TableFiles
from limbeck.components.example_gen.row_counts import RowCounts
from limbeck.components.example_gen.tfrecord_files import TFRecordFiles
from limbeck.components.example_gen.writing import BATCH, WriteSplit
from limbeck.errors import DataError
from limbeck.settings import trial
from limbeck.settings.trial import Trial

Properties = dict[str, Any]


class Executor(base_example_gen_executor.BaseExampleGenExecutor, abc.ABC):
    """Files -> examples, with features in a fixed order. Different files are read in parallel."""

    @abc.abstractmethod
    def prepare(
        self, pipeline: beam.Pipeline, inputs: _Inputs, options: Options, most_rows: int | None
    ) -> Reading:
        """Returns how a file is read: all of it, or at most `most_rows` rows."""

    def Do(self, input_dict: Artifacts, output_dict: Artifacts, exec_properties: Properties) -> None:  # noqa: N802
        """Called by TFX. Raises DataError, with the name of the file, if the data cannot be read."""
        examples = artifact_utils.get_single_instance(output_dict["examples"])
        self._destination, self._trial = examples.uri, trial.read(os.environ)
        names = generate_output_split_names(_input_config(exec_properties), _output_config(exec_properties))
        examples.split_names = artifact_utils.encode_split_names(names)
        self._log_startup(input_dict, output_dict, exec_properties)
        with faults.unmarked(), self._make_beam_pipeline() as pipeline:
            for split, batches in self.GenerateExamplesByBeam(pipeline, exec_properties).items():
                _ = batches | f"WriteSplit[{split}]" >> WriteSplit(artifact_utils.get_split_uri([examples], split))
        examples_utils.set_payload_format(examples, exec_properties["output_data_format"])
        examples_utils.set_file_format(examples, to_file_format_str(exec_properties["output_file_format"]))
        if self._trial is not None:
            row_counts.write(self._counts, self._destination)

    def GenerateExamplesByBeam(  # noqa: N802
        self, pipeline: beam.Pipeline, exec_properties: Properties
    ) -> dict[str, beam.PCollection]:
        """Returns lists of serialized tf.Examples by split. Beam handles lists faster than single examples."""
        options = from_custom_config(exec_properties.get("custom_config"))
        whole, self._declaration = _inputs(exec_properties), options.declaration
        self._inputs = whole if self._trial is None else whole.reduced(self._trial)
        most_rows = None if self._trial is None else self._trial.rows_of_file(self._inputs.most_files())
        self._reading = self.prepare(pipeline, self._inputs, options, most_rows)
        if self._trial is not None:
            self._counts = whole.counts(self._reading.reader, self._trial)
        if options.division is None and not self._inputs.unlabelled:
            return self._as_given(pipeline, exec_properties)
        return self._divided(pipeline, options)

    def _as_given(self, pipeline: beam.Pipeline, exec_properties: Properties) -> dict[str, beam.PCollection]:
        self._summaries: list[beam.PCollection] = []
        # TFX divides examples by a hash, so it needs single examples.
        self._parses = bool(_output_config(exec_properties).split_config.splits)
        splits = super().GenerateExamplesByBeam(pipeline, exec_properties)
        _ = (
            tuple(self._summaries)
            | "Summaries" >> beam.Flatten()
            | "MergeSummaries" >> beam.CombineGlobally(inspection.merge)
            | "Conclude" >> beam.Map(_conclude, self._destination)
        )
        if not self._parses:
            return dict(splits)
        return {
            split: examples | f"Serialize[{split}]" >> beam.Map(lambda example: [serialize(example)])
            for split, examples in splits.items()
        }

    def _divided(self, pipeline: beam.Pipeline, options: Options) -> dict[str, beam.PCollection]:
        unlabelled = self._inputs.unlabelled
        rule = dividing.Rule(options.division, options.labels, options.declaration, bool(unlabelled))
        by_split = {self._inputs.splits[pattern]: paths for pattern, paths in self._inputs.files.items()}
        divided = dividing.divide(pipeline, rule, self._reading, by_split, unlabelled)
        _ = (
            divided.summaries
            | "MergeSummaries" >> beam.CombineGlobally(inspection.merge)
            | "Conclude"
            >> beam.Map(
                _conclude_divided, self._destination, rule, beam.pvalue.AsSingleton(divided.tally), divided.cuts
            )
        )
        return divided.splits

    def GetInputSourceToExamplePTransform(self) -> Callable[[Properties, str], beam.PTransform]:  # noqa: N802
        """Called by TFX. Returns the function that makes the transform of one pattern."""
        read = _ParseFiles if self._parses else _ReadFiles
        return lambda _, pattern: read(
            self._inputs.files[pattern],
            self._reading,
            self._inputs.splits[pattern],
            self._declaration,
            self._summaries,
        )


class TFRecordExecutor(Executor):
    """Reads TFRecord files of tf.Example."""

    def prepare(
        self, pipeline: beam.Pipeline, inputs: _Inputs, options: Options, most_rows: int | None
    ) -> Reading:
        """Returns how a file is read. Records contain the kinds of their features."""
        return Reading(TFRecordFiles(most_rows), {})


class _TableExecutor(Executor, abc.ABC):
    """Reads all files twice: for the kinds of the columns, which hold for the whole input, and for the rows."""

    @abc.abstractmethod
    def reader(self, options: Options, most_rows: int | None) -> TableFiles:
        """Returns the reader of the format."""

    def prepare(
        self, pipeline: beam.Pipeline, inputs: _Inputs, options: Options, most_rows: int | None
    ) -> Reading:
        """Finds the kinds of the columns. Returns how a file is read."""
        reader = self.reader(options, most_rows)
        elements = {_TableFile(path, paths[0]) for paths in inputs.files.values() for path in paths}
        [beside, *_] = next(iter(inputs.files.values()))
        elements |= {_TableFile(path, inputs.unlabelled[0], options.labels, beside) for path in inputs.unlabelled}
        kinds = (
            pipeline
            | "AllFiles" >> beam.Create(sorted(elements))
            | "Spread" >> beam.Reshuffle()
            | "Evidence" >> beam.Map(_evidence, reader)
            | "Merge" >> beam.CombineGlobally(columns.merge)
            | "Settle" >> beam.Map(_settle, reader)
        )
        return Reading(reader, beam.pvalue.AsSingleton(kinds))


class CsvExecutor(_TableExecutor):
    """Reads CSV files with a header line."""

    def reader(self, options: Options, most_rows: int | None) -> TableFiles:
        """Returns the reader of CSV."""
        return CsvFiles(options.encoding, options.declaration, most_rows)


class ParquetExecutor(_TableExecutor):
    """Reads Parquet files."""

    def reader(self, options: Options, most_rows: int | None) -> TableFiles:
        """Returns the reader of Parquet."""
        return ParquetFiles(options.declaration, most_rows)


@dataclasses.dataclass(frozen=True)
class _Inputs:
    """All files.

    Attributes:
      files: files by pattern.
      splits: name of the input's split by pattern.
      unlabelled: files of `data.unlabelled`.
    """

    files: Mapping[str, list[str]]
    splits: Mapping[str, str]
    unlabelled: list[str]

    def reduced(self, part: Trial) -> _Inputs:
        """Returns the files that a trial reads."""
        found = {pattern: part.files(paths) for pattern, paths in self.files.items()}
        return dataclasses.replace(self, files=found, unlabelled=part.files(self.unlabelled))

    def most_files(self) -> int:
        """Returns the largest number of files that a split has."""
        return max(len(paths) for paths in [*self.files.values(), self.unlabelled])

    def counts(self, reader: RowReader, part: Trial) -> RowCounts:
        """Returns about how many rows all files have, estimated from the files that a trial reads."""

        def about(paths: list[str]) -> int:
            some = part.files(paths)
            return round(sum(map(reader.about, some)) * len(paths) / len(some)) if some else 0

        splits = {self.splits[pattern]: about(paths) for pattern, paths in self.files.items()}
        return RowCounts(splits, about(self.unlabelled))


@dataclasses.dataclass(frozen=True, order=True)
class _TableFile:
    """A file that is read for the kinds of its columns.

    Attributes:
      path: path of the file.
      first: the first file of its split, which must have the same columns.
      ignored: columns whose values do not count.
      beside: for a file of rows without a label, a file of rows with one. All of its features must be there.
    """

    path: str
    first: str
    ignored: tuple[str, ...] = ()
    beside: str = ""


def _input_config(properties: Properties) -> example_gen_pb2.Input:
    config = example_gen_pb2.Input()
    proto_utils.json_to_proto(properties["input_config"], config)
    return config


def _output_config(properties: Properties) -> example_gen_pb2.Output:
    config = example_gen_pb2.Output()
    proto_utils.json_to_proto(properties["output_config"], config)
    return config


def _inputs(properties: Properties) -> _Inputs:
    """Finds the files. Raises DataError if there are none."""
    config = _input_config(properties)
    try:
        found = {split.pattern: matching(properties["input_base"], split.pattern) for split in config.splits}
    except DataError as error:
        span = properties.get("span")
        if not span:
            raise
        raise DataError(
            f"{error}. Span {span} was asked for: numbers padded with zeros need {{SPAN:width}}"
        ) from None
    unlabelled = properties.get(UNLABELLED)
    return _Inputs(
        found,
        {split.pattern: split.name for split in config.splits},
        matching(unlabelled, "") if unlabelled else [],
    )


class _ReadFiles(beam.PTransform):
    """Files -> serialized examples. Appends a summary of the examples to `summaries`."""

    def __init__(
        self,
        files: list[str],
        reading: Reading,
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
                _read, self._reading.reader, self._reading.kinds, self._split, self._declaration
            ).with_outputs(_SUMMARY, main="examples")
        )
        self._summaries.append(read[_SUMMARY])
        return read["examples"]


class _ParseFiles(_ReadFiles):
    """Files -> tf.train.Example."""

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        """Called by Beam."""
        batches = super().expand(pipeline)
        return batches | "Parse" >> beam.FlatMap(lambda batch: map(tf.train.Example.FromString, batch))


_SUMMARY = "summary"


def _read(path: str, reader: RowReader, kinds: Columns, split: str, declaration: Declaration) -> Iterator[Any]:
    summary = inspection.SplitSummary(split)
    with faults.marked():
        for block in reader.blocks(path, kinds):
            yield from chunks(block.records(summary, declaration), BATCH)
    yield beam.pvalue.TaggedOutput(_SUMMARY, (summary,))


def _conclude(summaries: tuple[inspection.SplitSummary, ...], destination: str) -> None:
    with faults.marked():
        inspection.assert_sound(summaries)
    label_counts.write(summaries, destination)


def _conclude_divided(
    summaries: tuple[inspection.SplitSummary, ...],
    destination: str,
    rule: dividing.Rule,
    tally: dividing.Tally,
    cuts: Cuts | None,
) -> None:
    with faults.marked():
        notes = dividing.conclude(rule, summaries, tally, cuts)
    _conclude(summaries, destination)
    input_notes.write(notes, destination)


def _evidence(file: _TableFile, reader: TableFiles) -> Evidence:
    with faults.marked():
        if file.path != file.first:
            columns.check_same(file.first, reader.names(file.first), file.path, reader.names(file.path))
        if file.beside:
            expected = [name for name in reader.names(file.beside) if name not in file.ignored]
            columns.check_features(file.path, reader.names(file.path), file.beside, expected, reader.declaration)
        found = reader.evidence(file.path)
        return {
            # Nothing reads this column, so its kind does not matter.
            name: {Kind.EMPTY: Sighting(file.path)} if name in file.ignored else sightings
            for name, sightings in found.items()
        }


def _settle(found: Evidence, reader: TableFiles) -> Columns:
    with faults.marked():
        return reader.settle(found)
