"""Writes a split. TFX shuffles and writes single examples, and Beam needs more time to shuffle one than to write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import apache_beam as beam
from tfx.components.example_gen.write_split import DEFAULT_FILE_NAME

from limbeck import files

# Few enough that a small table is still written by several processes.
_BATCH = 64
_Item = TypeVar("_Item")


def in_batches(records: Sequence[_Item]) -> Iterator[list[_Item]]:
    """Yields lists of records, as `WriteSplit` takes them."""
    for start in range(0, len(records), _BATCH):
        yield list(records[start : start + _BATCH])


class WriteSplit(beam.PTransform):
    """Lists of serialized examples -> gzipped TFRecord files, named as TFX names them."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def expand(self, batches: beam.PCollection) -> Any:
        """Called by Beam."""
        return (
            batches
            | "Shuffle" >> beam.Reshuffle()
            | "Examples" >> beam.FlatMap(lambda batch: batch).with_output_types(bytes)
            | "Write"
            >> beam.io.WriteToTFRecord(files.join(self._folder, DEFAULT_FILE_NAME), file_name_suffix=".gz")
        )
