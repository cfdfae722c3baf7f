"""Reads a table as ExampleGen does, and describes its columns with TensorFlow Data Validation.

Another reader, such as pandas, would find other types than the run finds later: it reads `NA` as a missing value and
007 as 7. So the product's own readers read the rows, and TFX's own library determines the type of a feature.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from limbeck.chunks import chunks
from limbeck.cli.new_task.summary import MOST_VALUES, ColumnKind, ColumnSummary, TableSummary
from limbeck.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

    from limbeck.components.example_gen.columns import Columns
    from limbeck.components.example_gen.reading import RowReader

MOST_ROWS = 200_000
_STRETCH = 10_000
_INT, _FLOAT, _BYTES = "INT", "FLOAT", "BYTES"


def read(files: Sequence[str], format: str, encoding: str) -> TableSummary:
    """Reads a table, at most `MOST_ROWS` rows of it.

    Args:
      files: paths of its files.
      format: `csv`, `parquet` or `tfrecord`.
      encoding: encoding of CSV files.

    Raises:
      DataError: if a file cannot be read, or if there is no row. The message names file and row.
    """
    names, rows = _open(files, format, encoding)
    batches = list(_batches(itertools.islice(rows, MOST_ROWS)))
    if not batches:
        raise DataError(f"a task is made from rows, but {files[0]} has none: give a file with data")
    import pyarrow as pa

    table = pa.concat_tables(map(_as_table, batches), promote=True).combine_chunks()
    kinds = _kinds(table)
    # The features of TFRecord files have no order.
    ordered = names or tuple(sorted(table.column_names))
    return TableSummary(table.num_rows, tuple(_summary(table, name, kinds) for name in ordered))


def _open(files: Sequence[str], format: str, encoding: str) -> tuple[tuple[str, ...], Iterator[bytes]]:
    """Returns the names of the columns, if the format has an order of them, and the serialized examples."""
    from limbeck.components.example_gen import columns
    from limbeck.components.example_gen.csv_files import CsvFiles
    from limbeck.components.example_gen.parquet_files import ParquetFiles
    from limbeck.components.example_gen.tfrecord_files import TFRecordFiles

    if format == "tfrecord":
        return (), _records(TFRecordFiles(), files, {})
    reader = CsvFiles(encoding) if format == "csv" else ParquetFiles()
    names = reader.names(files[0])
    for file in files[1:]:
        columns.check_same(files[0], names, file, reader.names(file))
    kinds = reader.settle(columns.merge(map(reader.evidence, files)))
    return names, _records(reader, files, kinds)


def _records(reader: RowReader, files: Sequence[str], kinds: Columns) -> Iterator[bytes]:
    from limbeck.components.example_gen.inspection import SplitSummary

    for file in files:
        for block in reader.blocks(file, kinds):
            # Nothing is declared yet, so there are no faults to find.
            yield from block.records(SplitSummary("all"), {})


def _batches(rows: Iterator[bytes]) -> Iterator[pa.RecordBatch]:
    from tfx_bsl.coders.example_coder import ExamplesToRecordBatchDecoder

    decoder = ExamplesToRecordBatchDecoder()
    for stretch in chunks(rows, _STRETCH):
        yield decoder.DecodeBatch(stretch)


def _as_table(batch: pa.RecordBatch) -> pa.Table:
    import pyarrow as pa

    # If a column has no value in this batch, it has no kind here, and gets the kind of other batches.
    known = [
        name for name, type_ in zip(batch.schema.names, batch.schema.types, strict=True) if type_ != pa.null()
    ]
    return pa.Table.from_batches([batch]).select(known)


def _kinds(table: pa.Table) -> dict[str, str]:
    import tensorflow_data_validation as tfdv
    from tensorflow_data_validation.statistics.stats_impl import generate_statistics_in_memory
    from tensorflow_metadata.proto.v0 import schema_pb2

    if not table.column_names:
        return {}
    statistics = generate_statistics_in_memory(table.to_batches()[0])
    schema = tfdv.infer_schema(statistics, infer_feature_shape=False)
    return {feature.name: schema_pb2.FeatureType.Name(feature.type) for feature in schema.feature}


def _summary(table: pa.Table, name: str, kinds: dict[str, str]) -> ColumnSummary:
    import pyarrow.compute as pc

    if name not in kinds or name not in table.column_names:
        return ColumnSummary(name, "empty", 0, {}, 0)
    column = table.column(name)
    lengths = pc.fill_null(pc.list_value_length(column), 0)
    values = pc.list_flatten(column)
    present = int(pc.sum(pc.greater(lengths, 0)).as_py() or 0)
    if pc.max(lengths).as_py() > 1:
        return ColumnSummary(name, "list", present, {}, 0)
    counted = pc.value_counts(values)
    distinct = len(counted)
    if kinds[name] == _BYTES:
        return _of_texts(name, present, distinct, counted)
    if kinds[name] == _FLOAT and not pc.all(pc.is_finite(values)).as_py():
        raise DataError(
            f"numbers must be finite, but column '{name}' holds NaN or an infinite value: leave the value out where "
            "it is missing (in CSV: an empty field)"
        )
    whole = kinds[name] == _INT or _are_whole(one["values"].as_py() for one in counted)
    kind: ColumnKind = "integer" if kinds[name] == _INT else "number"
    mean, deviation = (float(figure(values).as_py()) for figure in (pc.mean, pc.stddev))
    return ColumnSummary(
        name, kind, present, _counts(counted, _written), distinct, whole=whole, mean=mean, deviation=deviation
    )


def _of_texts(name: str, present: int, distinct: int, counted: Any) -> ColumnSummary:
    try:
        texts = [one["values"].as_py().decode() for one in counted]
    except UnicodeDecodeError:
        return ColumnSummary(name, "bytes", present, {}, distinct)
    return ColumnSummary(
        name, "text", present, _counts(counted, bytes.decode), distinct, longest=max(map(len, texts))
    )


def _counts(counted: Any, write: Any) -> dict[str, int]:
    return {write(one["values"].as_py()): one["counts"].as_py() for one in itertools.islice(counted, MOST_VALUES)}


def _written(number: float) -> str:
    return f"{number:.9g}" if isinstance(number, float) else str(number)


def _are_whole(numbers: Iterable[float]) -> bool:
    return all(float(number).is_integer() for number in numbers)
