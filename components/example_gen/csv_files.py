"""Reads CSV as in RFC 4180, with Python's own reader: commas and line breaks in quotes, a byte order mark."""

from __future__ import annotations

import codecs
import csv
import dataclasses
import io
from collections.abc import Iterator
from typing import Any, BinaryIO

from limbeck.chunks import chunks
from limbeck.components.example_gen import columns, row_counts
from limbeck.components.example_gen.blocks import BLOCK_ROWS
from limbeck.components.example_gen.columns import Columns, Evidence, Kind, Sighting
from limbeck.components.example_gen.declaration import Declaration
from limbeck.components.example_gen.files import open_content
from limbeck.components.example_gen.rows import Row, TableRows
from limbeck.components.example_gen.text_block import TextBlock, TextColumns, set_text
from limbeck.errors import ConfigError, DataError
from limbeck.settings.trial import sampled

# The largest field. Without a limit, a quote that is never closed would be read until memory is full.
_LARGEST_FIELD = 1 << 26
_CHUNK_BYTES = 1 << 16
OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_SHOWN = 60
# What to do if a row has another number of fields than the header.
_TOO_MANY = "a field that holds a comma or a line break must be in double quotes"
_TOO_FEW = (
    "a field without a value needs its comma too, and a field that holds a line break must be in double quotes"
)

_QUOTES = "quotes within a quoted field are doubled, and every quote is closed"
_NUL = "no text holds this byte, but UTF-16 that is read as another encoding does: set data.encoding, or remove it"


@dataclasses.dataclass(frozen=True)
class CsvFiles(TableRows):
    """Reads CSV files with a header line, plain or as gzip.

    Attributes:
      encoding: encoding of the text, as Python names it. Under UTF-8, a byte order mark is dropped.
      declaration: what the task declares. It settles the kinds of its columns.
      most_rows: reads only so many rows, from the start of the file; None reads all.
    """

    encoding: str = "utf-8"
    declaration: Declaration = dataclasses.field(default_factory=dict)
    most_rows: int | None = None

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
          DataError: if there is no header, if a name is empty or occurs twice, or if the columns seem to be separated
            by another delimiter than the comma.
        """
        names, _ = self._opened(path)
        return names

    def evidence(self, path: str) -> Evidence:
        """Reads the file once. Returns what its columns hold. Raises DataError as `rows` does."""
        names, records = self._opened(path)
        kinds_of = [columns.reader_of(self.declaration.get(name)) for name in names]
        widest = [Kind.EMPTY] * len(names)
        sightings = [{Kind.EMPTY: Sighting(path)} for _ in names]
        for block in chunks(records, BLOCK_ROWS):
            lines, rows = zip(*block, strict=True)
            for index, fields in enumerate(zip(*rows, strict=True)):
                if columns.surely_no_wider(widest[index], fields):
                    continue
                for line, value in zip(lines, fields, strict=True):
                    kind = kinds_of[index](value)
                    if kind > widest[index]:
                        widest[index] = kind
                        sightings[index][kind] = Sighting(f"{path}:{line}", value[:_SHOWN])
        return dict(zip(names, sightings, strict=True))

    def settle(self, found: Evidence) -> Columns:
        """Returns the kinds of all columns of the whole input. Raises DataError if the task declares narrower kinds."""
        return columns.settle(found, self.declaration)

    def rows(self, path: str, kinds: Columns) -> Iterator[Row]:
        """Reads the file.

        Args:
          path: path of the file.
          kinds: kinds of the columns of the whole input. A column that has none is left out.

        Yields:
          File and line, an example and the fields by column, for each row. The example has a feature with one value
          for each field that is not empty: int64, float, or the bytes of the text as UTF-8. Blank lines are skipped.

        Raises:
          DataError: if a row does not have as many fields as the header, if a quote is not closed, or if bytes are not
            in the encoding. The message names file and line.
        """
        import tensorflow as tf

        names, records = self._opened(path)
        wanted = [(index, name, kinds[name]) for index, name in enumerate(names) if name in kinds]
        for line, row in records:
            example = tf.train.Example()
            features = example.features.feature
            for index, name, kind in wanted:
                if value := row[index]:
                    set_text(features[name], kind, value)
            yield Row(f"{path}:{line}", example, dict(zip(names, row, strict=True)))

    def blocks(self, path: str, kinds: Columns) -> Iterator[TextBlock]:
        """Reads the file as `rows` does. Yields blocks of rows with the same examples."""
        names, records = self._opened(path)
        converted = TextColumns(path, names, kinds)
        for block in chunks(records, BLOCK_ROWS):
            lines, rows = zip(*block, strict=True)
            yield TextBlock(converted, lines, rows)

    def column(self, path: str, name: str) -> Iterator[tuple[str, Any]]:
        """Yields file and line, and the text of one column, for each row. Raises DataError if there is none."""
        names, records = self._opened(path)
        index = columns.place_of(path, names, name)
        for line, row in records:
            yield f"{path}:{line}", row[index]

    def about(self, path: str) -> int:
        """Returns about how many rows a file has. Raises DataError if it cannot be read."""
        # The header is not a row.
        return max(0, row_counts.extrapolated(path, _lines) - 1)

    def _opened(self, path: str) -> tuple[tuple[str, ...], Iterator[tuple[int, list[str]]]]:
        """Returns the names of the columns, and the rows after the header. Each opening reads a megabyte of a store."""
        rows = self._rows(path)
        _, names = next(rows, (0, None))
        if names is None:
            raise DataError(
                f"{path}: a CSV file begins with a header line, but this file is empty: write one, or remove it"
            )
        columns.check_names(path, names)
        self._assert_commas(path, names)
        return tuple(names), self._records(path, rows, len(names))

    def _assert_commas(self, path: str, names: list[str]) -> None:
        if len(names) != 1 or names[0] in self.declaration:
            return
        [only] = names
        for delimiter, plural in OTHER_DELIMITERS.items():
            # Looks for a delimiter that splits the header into columns that the task declares.
            if self.declaration.keys() & {part.strip(' "') for part in only.split(delimiter)}:
                raise DataError(
                    f"{path}:1: the columns of CSV files must be separated by commas, but the header is one column, "
                    f"{only[:_SHOWN]!r}, which looks separated by {plural}: save the file with commas as the delimiter"
                )

    def _records(
        self, path: str, rows: Iterator[tuple[int, list[str]]], width: int
    ) -> Iterator[tuple[int, list[str]]]:
        for line, row in sampled(rows, self.most_rows):
            if len(row) != width:
                remedy = _TOO_MANY if len(row) > width else _TOO_FEW
                raise DataError(
                    f"{path}:{line}: expected {width} fields as in the header, received {len(row)}: {remedy}"
                )
            yield line, row

    def _rows(self, path: str) -> Iterator[tuple[int, list[str]]]:
        """Yields the number of its first line, and the fields, of each row that is not blank."""
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
                remedy = _NUL if "NUL" in str(error) else _QUOTES
                raise DataError(
                    f"{path}:{start}: the row that begins here is not CSV ({error}): {remedy}"
                ) from None
            except UnicodeError:
                raise self._undecodable(path) from None

    @property
    def _codec(self) -> str:
        return "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding

    def _undecodable(self, path: str) -> DataError:
        """Reads the file again up to the wrong byte. A reader of whole buffers does not know where that byte is."""
        line, offset = self._first_undecodable(path)
        return DataError(
            f"{path}:{line}: the bytes at offset {offset} are not {self.encoding}: save the file as "
            f"{self.encoding}, or set data.encoding to the one it is in (`tasks new` takes --encoding)"
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


def _lines(content: BinaryIO) -> int:
    """Returns how many rows there are in the first part of a file."""
    part = content.read(row_counts.PART_BYTES)
    # A line break between two quotes belongs to a field. The last row need not end in a line break.
    unquoted = b"".join(part.split(b'"')[::2])
    return max(map(unquoted.count, (b"\n", b"\r"))) + (part[-1:] not in (b"\n", b"\r", b""))
