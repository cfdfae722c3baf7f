"""CSV as RFC 4180 says, by Python's own reader: quoted names, commas and line breaks in quotes, a byte order mark.

Splitting lines at commas breaks on all of these, and an error without file and line cannot be mended in a folder
of a thousand files. A file is read as one, never in pieces: whether a line break ends a row is known only from the
start of the file. So the parallel unit is the file, and many files are faster than a large one.
"""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from components.example_gen import columns
from components.example_gen.columns import Columns, Evidence, Kind
from components.example_gen.files import open_content
from limbeck.errors import ConfigError, DataError

if TYPE_CHECKING:
    import tensorflow as tf

# A quote that is never closed is read to the end of the file: up to here, not until memory is full.
_LARGEST_FIELD = 1 << 26
_CHUNK_BYTES = 1 << 16


@dataclasses.dataclass(frozen=True)
class CsvFiles:
    """Reads CSV files with a header line, plain or as gzip.

    Attributes:
      encoding: of the text, as Python names it. Under UTF-8 a byte order mark is dropped.
      text_columns: columns that are text even where every value looks like a number.
    """

    encoding: str = "utf-8"
    text_columns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            "".encode(self.encoding)
        except LookupError:
            raise ConfigError(
                f"the encoding of CSV files must be one that Python knows, received {self.encoding!r}"
                ": for example utf-8, utf-16, latin-1, cp1252"
            ) from None

    def names(self, path: str) -> tuple[str, ...]:
        """Reads the header.

        Raises:
          DataError: where there is none, or a name is empty or stands there twice.
        """
        for _, names in self._rows(path):
            columns.check_names(path, names)
            return tuple(names)
        raise DataError(
            f"{path}: a CSV file begins with a header line, but this file is empty: write one, or remove it"
        )

    def evidence(self, path: str) -> Evidence:
        """Reads the file once, and tells what its columns hold. Raises DataError as `examples` does."""
        names = self.names(path)
        kinds = [Kind.EMPTY] * len(names)
        for row in self._records(path, len(names)):
            for index, value in enumerate(row):
                if kinds[index] < Kind.TEXT and value:
                    kinds[index] = max(kinds[index], columns.kind_of(value))
        return columns.evidence(path, dict(zip(names, kinds, strict=True)))

    def settle(self, found: Evidence) -> Columns:
        """The kinds of all columns of the whole input."""
        return columns.widest(found, self.text_columns)

    def examples(self, path: str, kinds: Columns) -> Iterator[tf.train.Example]:
        """Reads the file.

        Args:
          path: of the file.
          kinds: of the columns of the whole input.

        Yields:
          One example a row, with a feature of one value for each field that is not empty: int64, float, or the
          bytes of the text as UTF-8. Blank lines are skipped.

        Raises:
          DataError: naming file and line, where a row has another number of fields than the header, a quote is not
            closed, or bytes are not in the encoding.
        """
        import tensorflow as tf

        names = self.names(path)
        for row in self._records(path, len(names)):
            example = tf.train.Example()
            features = example.features.feature
            for name, value in zip(names, row, strict=True):
                if value:
                    _set(features[name], kinds[name], value)
            yield example

    def _records(self, path: str, width: int) -> Iterator[list[str]]:
        rows = self._rows(path)
        next(rows)
        for line, row in rows:
            if len(row) != width:
                raise DataError(
                    f"{path}:{line}: expected {width} fields as in the header, received {len(row)}: a field that "
                    "holds a comma or a line break must stand in double quotes"
                )
            yield row

    def _rows(self, path: str) -> Iterator[tuple[int, list[str]]]:
        """Number of its first line, and fields, of each row that is not blank."""
        csv.field_size_limit(max(_LARGEST_FIELD, csv.field_size_limit()))
        start = 1
        with open_content(path) as content:
            reader = csv.reader(io.TextIOWrapper(content, encoding=self._codec, newline=""), strict=True)
            try:
                for row in reader:
                    if row:
                        yield start, row
                    start = reader.line_num + 1
            except csv.Error as error:
                raise DataError(
                    f"{path}:{start}: the row that begins here is not CSV ({error}): quotes within a quoted field "
                    "are doubled, and every quote is closed"
                ) from None
            except UnicodeError:
                raise self._undecodable(path) from None

    @property
    def _codec(self) -> str:
        return "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding

    def _undecodable(self, path: str) -> DataError:
        """Reads the file again up to the place, which a reader of whole buffers cannot tell."""
        line, offset = self._first_undecodable(path)
        return DataError(
            f"{path}:{line}: the bytes at offset {offset} are not {self.encoding}: save the file as "
            f"{self.encoding}, or set data.encoding to the one it is in"
        )

    def _first_undecodable(self, path: str) -> tuple[int, int]:
        decoder: Any = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(self._codec)(), translate=True)
        line, offset = 1, 0
        with open_content(path) as content:
            while chunk := content.read(_CHUNK_BYTES):
                state = decoder.getstate()
                try:
                    line += decoder.decode(chunk).count("\n")
                    offset += len(chunk)
                except UnicodeError:
                    decoder.setstate(state)
                    return _byte_by_byte(decoder, chunk, line, offset)
        return line, offset - len(decoder.getstate()[0])


def _byte_by_byte(decoder: Any, chunk: bytes, line: int, offset: int) -> tuple[int, int]:
    pending = 0
    for index in range(len(chunk)):
        pending = len(decoder.getstate()[0])
        try:
            line += decoder.decode(chunk[index : index + 1]).count("\n")
        except UnicodeError:
            return line, offset + index - pending
    return line, offset + len(chunk) - pending


def _set(feature: tf.train.Feature, kind: Kind, value: str) -> None:
    if kind == Kind.INTEGER:
        feature.int64_list.value.append(int(value))
    elif kind == Kind.FLOAT:
        feature.float_list.value.append(float(value))
    else:
        feature.bytes_list.value.append(value.encode())
