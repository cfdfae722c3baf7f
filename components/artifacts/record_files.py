"""TFRecord files that are read and written without Beam."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterable, Iterator

from limbeck import files

_GZIP = ".gz"
# The last field of a gzip: the size of what it holds.
_COUNT_BYTES = 4
_MODULUS = 1 << (8 * _COUNT_BYTES)
# Length, two checksums.
_FRAME_BYTES = 16
_READ_BYTES = 1 << 20


def read_records(path: str) -> Iterator[bytes]:
    """Yields the records of a file. A name that ends in `.gz` is that of a gzip.

    Raises:
      OSError: if the file is damaged or cut off, or cannot be read.
    """
    import tensorflow as tf

    held = 0
    with _as_oserror(path, "read"):
        for record in tf.data.TFRecordDataset([path], compression_type=_compression(path)).as_numpy_iterator():
            held += _FRAME_BYTES + len(record)
            yield record
    _assert_whole(path, held)


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


def _assert_whole(path: str, held: int) -> None:
    """Raises OSError if a file is cut off, though TensorFlow read `held` bytes of its content and found no error.

    It takes a cut between two records for the end of the file, and also one within the first bytes of a record.
    """
    zipped = path.endswith(_GZIP)
    # The head of a gzip has zeros, too, where the last field would be.
    if (held or not zipped) and held % _MODULUS == content_bytes(path) % _MODULUS:
        return
    # Gzips may stand one after the other, and the last field is that of the last one.
    if zipped and held == _unpacked_bytes(path):
        return
    raise OSError(f"{path} cannot be read: it is cut off after byte {held} of its content")


def _unpacked_bytes(path: str) -> int | None:
    """Returns how many bytes a gzip holds; None if it is cut off or damaged."""
    try:
        with files.open_to_read(path) as compressed, gzip.GzipFile(fileobj=compressed) as stream:
            return sum(map(len, iter(lambda: stream.read(_READ_BYTES), b"")))
    except (EOFError, gzip.BadGzipFile, zlib.error):
        return None


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
