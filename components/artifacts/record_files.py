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
# The last field of a gzip: the size of what it holds.
_COUNT_BYTES = 4


def read_records(path: str) -> Iterator[bytes]:
    """Yields the records of a file. A name that ends in `.gz` is that of a gzip.

    Raises:
      OSError: if the file is damaged or cut off, or cannot be read.
    """
    try:
        with files.open_to_read(path) as file:
            content = cast("BinaryIO", gzip.GzipFile(fileobj=file)) if path.endswith(_GZIP) else file
            yield from records_in(content)
            # A gzip without records has a head, for which Python does not ask.
            if path.endswith(_GZIP) and not file.tell():
                raise EOFError("it is empty")
    except (EOFError, zlib.error, gzip.BadGzipFile, DamagedRecordError) as error:
        raise OSError(f"{path} cannot be read: {error}") from None


def records_of(paths: Iterable[str]) -> Iterator[bytes]:
    """Yields the records of one file after the other, as `read_records` does."""
    return itertools.chain.from_iterable(map(read_records, paths))


def write_records(path: str, records: Iterable[bytes]) -> int:
    """Writes a file. Returns how many records it holds. A name that ends in `.gz` makes it a gzip.

    What `records` raises passes: a model that makes them may fail in TensorFlow, too.

    Raises:
      OSError: if the file cannot be written.
    """
    import tensorflow as tf

    count, options = 0, tf.io.TFRecordOptions(compression_type=_compression(path))
    with _as_oserror(path, "written"):
        writer = tf.io.TFRecordWriter(path, options)
    try:
        for one in records:
            with _as_oserror(path, "written"):
                writer.write(one)
            count += 1
    except BaseException:
        # The file is worth nothing, and its own errors nothing beside this one.
        with contextlib.suppress(tf.errors.OpError):
            writer.close()
        raise
    with _as_oserror(path, "written"):
        writer.close()
    return count


@contextlib.contextmanager
def _as_oserror(path: str, done: str) -> Iterator[None]:
    import tensorflow as tf

    try:
        yield
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be {done}: {error.message}") from None


def content_bytes(path: str) -> int:
    """Returns how many bytes a file holds: of a gzip at least, because it keeps the number modulo 4 GiB.

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
