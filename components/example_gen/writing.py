"""Writes a split. TFX shuffles and writes single examples, but Beam takes longer to shuffle one than to write it.

The shuffle only gives each worker a part to write, because nothing depends on the order of the examples. So a single
process does not shuffle. It then needs memory for some rows instead of all rows.
"""

from __future__ import annotations

from typing import Any

import apache_beam as beam
from tfx.components.example_gen.write_split import DEFAULT_FILE_NAME

from limbeck import files
from limbeck.beam_processes.in_memory import is_alone

# The number of examples in a list. It is small, so that several processes write even a small table.
BATCH = 64


class WriteSplit(beam.PTransform):
    """Lists of serialized examples -> gzipped TFRecord files, named as TFX names them."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._folder = folder

    def expand(self, batches: beam.PCollection) -> Any:
        """Called by Beam."""
        spread = batches if is_alone(batches.pipeline.options) else batches | "Shuffle" >> beam.Reshuffle()
        return (
            spread
            | "Examples" >> beam.FlatMap(lambda batch: batch).with_output_types(bytes)
            | "Write"
            >> beam.io.WriteToTFRecord(files.join(self._folder, DEFAULT_FILE_NAME), file_name_suffix=".gz")
        )
