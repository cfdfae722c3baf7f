"""TFRecord files that are read and written without Beam."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from limbeck import files
from limbeck.components.artifacts.record_stream import DamagedRecordError, records_in

_GZIP = ".gz"
# The last field of a gzip file: the size of the uncompressed content.
_COUNT_BYTES = 4


def read_records(path: str) -> Iterator[bytes]:
    """Yields the records of a file. If the name ends in `.gz`, the file is compressed with gzip.

    Raises:
      OSError: if the file is damaged or cut off, or cannot be read.
    """
    try:
        with files.open_to_read(path) as file:
            content = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if path.endswith(_GZIP) else file
            yield from records_in(content)
            # A gzip file without records needs a header too, but Python accepts a file without one.
            if path.endswith(_GZIP) and not file.tell():
                raise EOFError("it is empty")
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedRecordError) as error:
        raise OSError(f"{path} cannot be read: {error}") from None


def records_of(paths: Iterable[str]) -> Iterator[bytes]:
    """Yields the records of one file after the other, as `read_records` does."""
    return itertools.chain.from_iterable(map(read_records, paths))


def write_records(path: str, records: Iterable[bytes]) -> int:
    """Writes records to a file, and returns their number. If the name ends in `.gz`, compresses the file with gzip.

    Exceptions of `records` pass unchanged, because a model that computes the records may fail in TensorFlow.

    Raises:
      OSError: if the file cannot be written.
    """
    import tensorflow as tf

    count, options = 0, tf.io.TFRecordOptions(compression_type=_compression(path))
    with _as_oserror(path):
        writer = tf.io.TFRecordWriter(path, options)
    try:
        for one in records:
            with _as_oserror(path):
                writer.write(one)
            count += 1
    except BaseException:
        # The file is useless now. An error while it is closed would only hide the first error.
        with contextlib.suppress(tf.errors.OpError):
            writer.close()
        raise
    with _as_oserror(path):
        writer.close()
    return count


@contextlib.contextmanager
def _as_oserror(path: str) -> Iterator[None]:
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be written: {error.message}") from None


def content_bytes(path: str) -> int:
    """Returns the size of a file's uncompressed content, in bytes. For a gzip file, the size is modulo 4 GiB.

    Raises:
      OSError: if the file cannot be read.
    """
    if not path.endswith(_GZIP):
        return files.size(path)
    with files.open_to_read(path) as file:
        file.seek(max(0, files.size(path) - _COUNT_BYTES))
        return int.from_bytes(file.read(_COUNT_BYTES), "little")


def _compression(path: str) -> str:
    return "GZIP" if path.endswith(_GZIP) else ""
