"""Section: what the compressed file of the student holds, as it was read back from the file."""

from __future__ import annotations

import dataclasses

from limbeck.compression_record import CompressionRecord, StoredTensor
from limbeck.report import figures
from limbeck.report.schema import Report

_MOST_TENSORS = 12


@dataclasses.dataclass(frozen=True)
class CompressionSection:
    """The section.

    Attributes:
      record: what became of the student.
      smaller: how many times smaller the file is than the same student in float32, as a text; likewise `smaller_gzip`
        if both are compressed by gzip.
      tensors: the largest tensors of the file.
      left_out: how many tensors are not shown.
    """

    record: CompressionRecord
    smaller: str
    smaller_gzip: str
    tensors: tuple[StoredTensor, ...]
    left_out: int


def view(report: Report) -> CompressionSection | None:
    """Returns the section; None if nothing was compressed."""
    record = report.compression
    if record is None:
        return None
    return CompressionSection(
        record,
        figures.times(record.float32.bytes / record.file.bytes),
        figures.times(record.float32.gzip / record.file.gzip),
        record.tensors[:_MOST_TENSORS],
        max(0, len(record.tensors) - _MOST_TENSORS),
    )
