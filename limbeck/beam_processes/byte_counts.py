"""Counts the bytes of files that each worker of Beam reads and writes, and brings the counts to the pipeline.

Beam's own metrics count elements by step, and not bytes by worker. The kernel counts the bytes of a process, but a
worker may be on another machine, and files of an object store come through a socket. So each worker wraps the files
that the sources and sinks of Beam and of Limbeck open. Their bytes are added to a Beam counter that has the name of the
worker, and every runner returns counters to the pipeline.

The counts are bytes of the stored files: for a gzip file, the compressed bytes. Files that TensorFlow opens by itself,
such as a model, are not counted, and neither are messages between workers and runner.

The files that are opened here also take less memory than Beam's: see `_COMPRESSED_BYTES`.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Iterator
from typing import Any

from apache_beam.io.filesystem import CompressedFile, CompressionTypes, FileSystem
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.metrics.metric import MetricsFilter
from apache_beam.pipeline import Pipeline

from limbeck import files, moved
from limbeck.files.counted import counted_reader, counted_writer
from limbeck.moved import LEDGER, Moved

_NAMESPACE = "limbeck.bytes"
_READ, _WRITTEN = "read", "written"
# Beam would read 16 MiB of a gzip at a time, and keep all of their uncompressed content in memory.
_COMPRESSED_BYTES = 1 << 16
_log = logging.getLogger(__name__)


def read(count: int) -> None:
    """Adds bytes that this worker read. Outside of a worker's work, Beam drops them."""
    Metrics.counter(_NAMESPACE, f"{_READ} {moved.this_process()}").inc(count)


def written(count: int) -> None:
    """Adds bytes that this worker wrote. Outside of a worker's work, Beam drops them."""
    Metrics.counter(_NAMESPACE, f"{_WRITTEN} {moved.this_process()}").inc(count)


def install() -> None:
    """From now on, this process counts the bytes that are read from and written to files that it opens."""
    FileSystems.open, FileSystems.create = staticmethod(_open), staticmethod(_create)
    files.count_reads(read)
    files.count_writes(written)


@contextlib.contextmanager
def collected() -> Iterator[None]:
    """Returns a context in which the counts of each pipeline that this process runs go to its ledger."""
    install()
    stock = Pipeline.run

    @functools.wraps(stock)
    def run(self: Any, *arguments: Any, **options: Any) -> Any:
        result = stock(self, *arguments, **options)
        wait = result.wait_until_finish

        def wait_until_finish(*some: Any, **others: Any) -> Any:
            state = wait(*some, **others)
            LEDGER.add(counts_of(result))
            # If somebody waits for the result twice, it is counted only once.
            result.wait_until_finish = wait
            return state

        result.wait_until_finish = wait_until_finish
        return result

    Pipeline.run = run
    try:
        yield
    finally:
        Pipeline.run = stock


def counts_of(result: Any) -> tuple[Moved, ...]:
    """Returns the bytes that each worker of a finished pipeline moved; empty if its runner has no counters.

    Args:
      result: the `PipelineResult`.
    """
    try:
        counters = result.metrics().query(MetricsFilter().with_namespace(_NAMESPACE))["counters"]
    except Exception as error:  # Each runner has errors of its own, and a run must not fail for a count.
        _log.warning("the runner has no counters, so nobody knows what its workers read and wrote: %s", error)
        return ()
    found = []
    for one in counters:
        way, _, worker = one.key.metric.name.partition(" ")
        found.append(Moved(worker, **{way: int(one.committed or one.attempted or 0)}))
    return moved.summed(found)


def _open(
    path: str, mime_type: str = "application/octet-stream", compression_type: str = CompressionTypes.AUTO
) -> Any:
    kind, mime_type = _kind(path, mime_type, compression_type)
    file = counted_reader(_stock_open(path, mime_type, CompressionTypes.UNCOMPRESSED), read)
    return file if kind == CompressionTypes.UNCOMPRESSED else CompressedFile(file, kind, _COMPRESSED_BYTES)


def _create(
    path: str, mime_type: str = "application/octet-stream", compression_type: str = CompressionTypes.AUTO
) -> Any:
    kind, mime_type = _kind(path, mime_type, compression_type)
    file = counted_writer(_stock_create(path, mime_type, CompressionTypes.UNCOMPRESSED), written)
    return file if kind == CompressionTypes.UNCOMPRESSED else CompressedFile(file, kind)


def _kind(path: str, mime_type: str, compression_type: str) -> tuple[str, str]:
    """Returns the compression of a file and its MIME type, as Beam's file systems find them."""
    kind = FileSystem._get_compression_type(path, compression_type)
    return kind, CompressionTypes.mime_type(kind, mime_type)


_stock_open, _stock_create = FileSystems.open, FileSystems.create
