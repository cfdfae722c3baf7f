"""TFRecord files that are read and written without Beam."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from limbeck import files

_GZIP = ".gz"
# The last field of a gzip: the size of what it holds.
_COUNT_BYTES = 4


def read_records(path: str) -> Iterator[bytes]:
    """Yields the records of a file. A name that ends in `.gz` is that of a gzip.

    Raises:
      OSError: if the file is damaged or cut off, or cannot be read.
    """
    import tensorflow as tf

    try:
        yield from tf.data.TFRecordDataset([path], compression_type=_compression(path)).as_numpy_iterator()
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be read: {error.message}") from None


def write_records(path: str, records: Iterable[bytes]) -> int:
    """Writes a file. Returns how many records it holds. A name that ends in `.gz` makes it a gzip.

    Raises:
      OSError: if the file cannot be written.
    """
    import tensorflow as tf

    count = 0
    try:
        with tf.io.TFRecordWriter(path, tf.io.TFRecordOptions(compression_type=_compression(path))) as writer:
            for one in records:
                writer.write(one)
                count += 1
    except tf.errors.OpError as error:
        raise OSError(f"{path} cannot be written: {error.message}") from None
    return count


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
