"""CSV: what was written comes out, and what cannot be read is named by file and line."""

import codecs
import csv
import gzip
import io
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen import csv_files
from limbeck.components.example_gen.columns import Kind
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.declaration import Declared
from limbeck.errors import ConfigError, DataError
from tests.components.example_gen.tables import Features, Table, features_of, tables

# Python's writer quotes a carriage return of its own accord only where rows end in one.
DIALECTS = [("\r\n", csv.QUOTE_MINIMAL), ("\r\n", csv.QUOTE_ALL), ("\n", csv.QUOTE_ALL), ("\r", csv.QUOTE_ALL)]


def read(path: Path, reader: CsvFiles | None = None) -> list[Features]:
    reader = reader or CsvFiles()
    kinds = reader.settle(reader.evidence(str(path)))
    return [features_of(row.example) for row in reader.rows(str(path), kinds)]


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "part.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def written(table: Table, line_end: str, quoting: int) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)
    writer.writerow(table.columns)
    writer.writerows(["" if value is None else value for value in row] for row in table.rows)
    return text.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


@given(tables(), st.sampled_from(DIALECTS), st.booleans(), st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
def test_what_goes_in_comes_out(folder: Path, table: Table, dialect: tuple[str, int], zipped: bool, encoding: str):
    content = written(table, *dialect).encode(encoding)
    path = file(folder, gzip.compress(content) if zipped else content)

    reader = CsvFiles("utf-16" if encoding == "utf-16" else "utf-8")
    assert read(path, reader) == table.features
    assert reader.names(str(path)) == tuple(table.columns)


def test_zeros_are_values_and_empty_fields_are_missing(tmp_path: Path):
    assert read(file(tmp_path, "i,f,t\n0,0.0,0x\n,,\n-1,nan,\n"))[:2] == [{"i": [0], "f": [0.0], "t": [b"0x"]}, {}]
    assert math.isnan(read(tmp_path / "part.csv")[2]["f"][0])


def test_a_column_with_one_decimal_point_is_float_throughout(tmp_path: Path):
    assert read(file(tmp_path, "a\n1\n2.5\n")) == [{"a": [1.0]}, {"a": [2.5]}]


def test_a_reader_is_told_the_kinds_of_the_whole_input(tmp_path: Path):
    path = file(tmp_path, "a\n1\n")
    for kind, value in ((Kind.INTEGER, 1), (Kind.FLOAT, 1.0), (Kind.TEXT, b"1")):
        assert [features_of(row.example) for row in CsvFiles().rows(str(path), {"a": kind})] == [{"a": [value]}]


def test_text_columns_keep_leading_zeros(tmp_path: Path):
    path = file(tmp_path, "zip,n\n00501,007\n")
    assert read(path, CsvFiles(declaration={"zip": Declared("text")})) == [{"zip": [b"00501"], "n": [7]}]


def test_integers_beyond_int64_stay_apart(tmp_path: Path):
    path = file(tmp_path, "id\n1\n18446744073709551615\n18446744073709551614\n")
    assert read(path) == [{"id": [b"1"]}, {"id": [b"18446744073709551615"]}, {"id": [b"18446744073709551614"]}]


@pytest.mark.parametrize("content", ["a,b\n", "a,b", "\ufeffa,b\r\n\r\n", "\n\na,b\n\n"])
def test_a_header_alone_is_no_example(tmp_path: Path, content: str):
    path = file(tmp_path, content)
    assert CsvFiles().names(str(path)) == ("a", "b")
    assert read(path) == []


def test_blank_lines_are_skipped_but_a_quoted_empty_field_is_a_row(tmp_path: Path):
    assert read(file(tmp_path, 'a\n\n1\n\n""\n2')) == [{"a": [1]}, {}, {"a": [2]}]


def test_a_long_field_is_read(tmp_path: Path):
    assert read(file(tmp_path, "a\n" + "x" * 300_000 + "\n")) == [{"a": [b"x" * 300_000]}]


@pytest.mark.parametrize(
    "content", [b"", b"\n\n", codecs.BOM_UTF8, gzip.compress(b"")], ids=["nothing", "blank", "mark", "gzip"]
)
def test_a_file_without_header_is_named(tmp_path: Path, content: bytes):
    path = file(tmp_path, content)
    with pytest.raises(DataError, match=f"{path}: a CSV file begins with a header line, but this file is empty"):
        read(path)


@pytest.mark.parametrize(
    ("content", "line", "width"),
    [
        ("a,b\n1,2\n3\n", 3, 1),
        ("a,b\n1,2,3\n", 2, 3),
        ('a,b\n"x\ny",1\n\n"p\nq"\n', 5, 1),
        ("a,b\r\n1,2\r\n \r\n", 3, 1),
        ("a,b\r1,2\r3\r", 3, 1),
    ],
)
def test_a_ragged_row_is_named_by_the_line_it_begins_on(tmp_path: Path, content: str, line: int, width: int):
    path = file(tmp_path, content)
    with pytest.raises(DataError, match=f"^{path}:{line}: expected 2 fields as in the header, received {width}"):
        read(path)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ('a,b\n1,2\n"never, closed\n1,2\n', 3),
        ('a,b\n"closed"too early,1\n', 2),
        ('"a,b\n1,2\n', 1),
        ("a\n\x00\n", 2),
    ],
)
def test_what_is_not_csv_is_named_by_the_line_it_begins_on(tmp_path: Path, content: str, line: int):
    path = file(tmp_path, content)
    with pytest.raises(DataError, match=f"^{path}:{line}: the row that begins here is not CSV"):
        read(path)


@pytest.mark.parametrize("header", ["a,b,a\n1,2,3\n", 'a,"a"\n'])
def test_duplicate_names_are_refused(tmp_path: Path, header: str):
    path = file(tmp_path, header)
    with pytest.raises(DataError, match=f"{path}: column names must differ, but 'a'"):
        read(path)


def test_a_column_without_name_is_refused(tmp_path: Path):
    path = file(tmp_path, ",a\n0,1\n")
    with pytest.raises(DataError, match=f"{path}: every column needs a name, but column 1 has none"):
        read(path)


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("before", "bad", "line"),
    [
        (b"a,b\n1,2\ncaf", b"\xe9,3\n", 3),
        (b"", b"\xff\xfea\x00", 1),
        (b"a\n1\n", b"\xc3", 3),
        (b"a\r\n1\r\n" + "ß\r\n".encode() * 30_000, b"\x80\n", 30_003),
        (b"\xef\xbb\xbfa\n", b"\xe2\x82\n", 2),
    ],
    ids=["in a line", "at the start", "at the end", "beyond a buffer", "after a mark"],
)
def test_bytes_that_are_not_utf_8_are_named_by_line_and_offset(
    tmp_path: Path, before: bytes, bad: bytes, line: int, zipped: bool
):
    path = file(tmp_path, gzip.compress(before + bad) if zipped else before + bad)
    message = f"^{path}:{line}: the bytes at offset {len(before)} are not utf-8: save the file as utf-8, or set"
    with pytest.raises(DataError, match=message):
        read(path)


def test_another_encoding_is_read_where_it_is_named(tmp_path: Path):
    assert read(file(tmp_path, b"n\xe4me\ncaf\xe9\n"), CsvFiles("latin-1")) == [{"näme": ["café".encode()]}]


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_an_encoding_that_does_not_exist_is_refused(encoding: str):
    with pytest.raises(ConfigError, match=f"must be one that Python knows, received '{encoding}'"):
        CsvFiles(encoding)


@pytest.mark.parametrize("kept", [5, 15, 200, -9, -1])
def test_a_gzip_that_was_cut_off_is_named(tmp_path: Path, kept: int):
    whole = gzip.compress(("a\n" + "".join(f"{number}\n" for number in range(9999))).encode())
    path = file(tmp_path, whole[:kept])
    with pytest.raises(DataError, match=f"^{path}: the gzip is damaged or cut off after byte"):
        read(path)


@pytest.mark.parametrize(("delimiter", "plural"), [(";", "semicolons"), ("\t", "tabs"), ("|", "bars")])
def test_another_delimiter_is_noticed_in_the_header(tmp_path: Path, delimiter: str, plural: str):
    path = tmp_path / "d.csv"
    # As a spreadsheet writes it where the comma is the decimal point: the rows have more commas than the header.
    path.write_text(f"a{delimiter}b\n1,5{delimiter}2,5\n", encoding="utf-8")
    with pytest.raises(DataError, match=f"d.csv:1: .* separated by commas.*looks separated by {plural}"):
        CsvFiles(declaration={"b": Declared("number")}).evidence(str(path))


def test_a_declared_column_may_have_a_semicolon_in_its_name(tmp_path: Path):
    path = tmp_path / "d.csv"
    path.write_text("a;b\n1\n", encoding="utf-8")
    assert read(path, CsvFiles(declaration={"a;b": Declared("number")})) == [{"a;b": [1.0]}]


def test_a_value_that_is_no_number_is_told_with_its_line(tmp_path: Path):
    path = tmp_path / "d.csv"
    path.write_text("day\n1\n2\n2024-01-03\n2024-01-04\n", encoding="utf-8")
    reader = CsvFiles(declaration={"day": Declared("number")})
    with pytest.raises(
        DataError, match=r"'day': the task declares it as number, but .*d\.csv:4 holds .*'2024-01-03'"
    ):
        reader.settle(reader.evidence(str(path)))


def test_booleans_and_whole_floats_are_integers_where_the_task_declares_them(tmp_path: Path):
    path = file(tmp_path, "seen,n,share,word\ntrue,7.0,True,true\nFALSE,,0.5,1\n1,-3,,no\n")
    reader = CsvFiles(
        declaration={"seen": Declared("integer"), "n": Declared("integer"), "share": Declared("number")}
    )
    assert read(path, reader) == [
        {"seen": [1], "n": [7], "share": [1.0], "word": [b"true"]},
        {"seen": [0], "share": [0.5], "word": [b"1"]},
        {"seen": [1], "n": [-3], "word": [b"no"]},
    ]


@pytest.mark.parametrize("value", ["7.5", "yes", "1e30", "nan"])
def test_what_is_no_integer_is_refused_where_the_task_declares_one(tmp_path: Path, value: str):
    path = file(tmp_path, f"n\n7.0\n{value}\n")
    with pytest.raises(DataError, match=r"column 'n': the task declares it as integer, but .*part\.csv:3 holds"):
        read(path, CsvFiles(declaration={"n": Declared("integer")}))


def test_rows_hold_the_texts_of_the_file_and_a_column_can_be_read_alone(tmp_path: Path):
    path = str(file(tmp_path, 'a,b\n1.0,"x,y"\n,2\n'))
    [one, two] = CsvFiles().rows(path, {"a": Kind.FLOAT})
    assert (one.place, one.values, features_of(one.example)) == (
        f"{path}:2",
        {"a": "1.0", "b": "x,y"},
        {"a": [1.0]},
    )
    assert (two.values, features_of(two.example)) == ({"a": "", "b": "2"}, {})
    assert [*CsvFiles().column(path, "b")] == [(f"{path}:2", "x,y"), (f"{path}:3", "2")]


def test_a_byte_of_another_encoding_is_told_as_such(tmp_path: Path):
    """The message spoke of quotes, and the file had none."""
    path = file(tmp_path, "a,b\n1,2\n".encode("utf-16-le"))
    with pytest.raises(DataError, match=r"part\.csv:1: .* set data\.encoding"):
        CsvFiles().names(str(path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_rows_are_counted_whatever_ends_a_line(tmp_path: Path, end: str):
    """A check took a file with carriage returns alone for one without rows."""
    assert CsvFiles().about(str(file(tmp_path, end.join(["a,b", "1,2", '3,"4\r\n5"', "6,7"])))) == 3


@pytest.mark.parametrize("method", ["names", "evidence", "rows", "blocks", "column"])
def test_a_file_is_opened_once_to_read_header_and_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
):
    """It was opened once more for the header. Of a store, each opening reads a megabyte."""
    path, opened = str(file(tmp_path, "a,b\n1,2\n")), []
    stock = csv_files.open_content
    monkeypatch.setattr(csv_files, "open_content", lambda path: opened.append(path) or stock(path))
    further = {"rows": ({"a": Kind.INTEGER},), "blocks": ({"a": Kind.INTEGER},), "column": ("a",)}

    result = getattr(CsvFiles(), method)(path, *further.get(method, ()))

    if method in further:
        assert len(list(result)) == 1
    assert opened == [path]
