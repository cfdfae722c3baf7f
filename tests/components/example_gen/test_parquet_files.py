"""Parquet: zeros are values, nulls are missing, and what an example cannot hold is named."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from pyarrow import parquet

from limbeck.components.example_gen.columns import Columns, Kind
from limbeck.components.example_gen.declaration import Declared
from limbeck.components.example_gen.parquet_files import ParquetFiles
from limbeck.errors import DataError
from tests.components.example_gen.tables import ODD, TEXT, Features, Table, features_of, tables

READER = ParquetFiles()


def file(folder: Path, table: pa.Table) -> str:
    path = folder / "part.parquet"
    parquet.write_table(table, path, version="2.6")
    return str(path)


def read(path: str, kinds: Columns | None = None) -> list[Features]:
    kinds = kinds or READER.settle(READER.evidence(path))
    return [features_of(row.example) for row in READER.rows(path, kinds)]


def read_column(folder: Path, values: Any, type_: pa.DataType | None = None) -> list[list[Any] | None]:
    path = file(folder, pa.table({"a": pa.array(values, type_)}))
    return [features.get("a") for features in read(path)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parquet")


@given(tables(words=TEXT | ODD))
def test_what_goes_in_comes_out(folder: Path, table: Table):
    path = file(folder, pa.table(table.columns))

    assert read(path) == table.features
    assert READER.names(path) == tuple(table.columns)


@pytest.mark.parametrize(
    ("type_", "values", "features"),
    [
        (pa.int8(), [0, None, -128], [[0], None, [-128]]),
        (pa.uint32(), [0, 2**32 - 1], [[0], [2**32 - 1]]),
        (pa.uint64(), [2**63 - 1], [[2**63 - 1]]),
        (pa.float32(), [0.0, None, 1.5], [[0.0], None, [1.5]]),
        (pa.float64(), [0.0, 3.4028235e38, float("-inf")], [[0.0], [3.4028234663852886e38], [float("-inf")]]),
        (pa.bool_(), [False, True, None], [[0], [1], None]),
        (pa.string(), ["", "ß", None], [[b""], ["ß".encode()], None]),
        (pa.large_string(), ["x"], [[b"x"]]),
        (pa.binary(), [b"", b"\xff\x00", None], [[b""], [b"\xff\x00"], None]),
        (pa.binary(2), [b"ab"], [[b"ab"]]),
        (pa.dictionary(pa.int8(), pa.string()), ["x", None, "x"], [[b"x"], None, [b"x"]]),
        (pa.null(), [None, None], [None, None]),
        (pa.list_(pa.int64()), [[0, 1], [], None], [[0, 1], [], None]),
        (pa.list_(pa.float32(), 2), [[0.0, 1.5]], [[0.0, 1.5]]),
        (pa.large_list(pa.string()), [["", "x"], []], [[b"", b"x"], []]),
    ],
)
def test_a_type_keeps_its_values(tmp_path: Path, type_: pa.DataType, values: list[Any], features: list[Any]):
    assert read_column(tmp_path, values, type_) == features


def test_all_row_groups_are_read(tmp_path: Path):
    path = tmp_path / "part.parquet"
    parquet.write_table(pa.table({"a": range(5000)}), path, row_group_size=700)

    assert [features["a"] for features in read(str(path))] == [[number] for number in range(5000)]


def test_integers_become_floats_where_the_column_is_float_elsewhere(tmp_path: Path):
    path = file(tmp_path, pa.table({"a": [0, 1, None]}))
    assert read(path, {"a": Kind.FLOAT}) == [{"a": [0.0]}, {"a": [1.0]}, {}]


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (datetime.time(1, 2), r"time64\[us\]"),
        ([datetime.date(2026, 1, 1)], r"list<item: date32\[day\]>"),
        (decimal.Decimal("1.5"), r"decimal128\(2, 1\)"),
        ({"x": 1}, "struct<x: int64>"),
        ([[1]], "list<item: list<item: int64>>"),
    ],
)
def test_a_type_without_counterpart_is_named_with_file_and_column(tmp_path: Path, value: Any, type_: str):
    path = file(tmp_path, pa.table({"good": [1], "bad": pa.array([value])}))
    with pytest.raises(
        DataError, match=f"^{path}: column 'bad' has the type {type_}, which an example cannot hold"
    ):
        read(path)


BERLIN = pa.timestamp("ms", "Europe/Berlin")
DAY, NOON = datetime.date(2026, 1, 31), datetime.datetime(2026, 1, 31, 12, 0, 0, 500000)


@pytest.mark.parametrize(
    ("kind", "type_", "values", "features"),
    [
        (None, pa.date32(), [DAY, None], [[b"2026-01-31"], None]),
        ("text", pa.date64(), [DAY], [[b"2026-01-31"]]),
        ("integer", pa.date32(), [datetime.date(1970, 1, 2), datetime.date(1969, 12, 31)], [[1], [-1]]),
        ("text", pa.timestamp("us"), [NOON, None], [[b"2026-01-31T12:00:00.500000"], None]),
        ("text", pa.timestamp("ns"), [1769860800000000001], [[b"2026-01-31T12:00:00"]]),
        ("text", BERLIN, [NOON], [[b"2026-01-31T12:00:00.500000+00:00"]]),
        ("integer", pa.timestamp("us"), [NOON, None], [[1769860800], None]),
        ("integer", BERLIN, [NOON], [[1769860800]]),
        ("integer", pa.float64(), [7.0, None, float("nan"), -0.0], [[7], None, None, [0]]),
        ("integer", pa.list_(pa.float32()), [[1.0, 2.0]], [[1, 2]]),
        ("integer", pa.bool_(), [True, False], [[1], [0]]),
        ("number", pa.bool_(), [True, False], [[1.0], [0.0]]),
    ],
)
def test_a_declaration_decides_what_becomes_of_dates_booleans_and_whole_floats(
    tmp_path: Path, kind: Any, type_: pa.DataType, values: list[Any], features: list[Any]
):
    path = file(tmp_path, pa.table({"a": pa.array(values, type_), "b": range(len(values))}))
    reader = ParquetFiles({} if kind is None else {"a": Declared(kind)})
    kinds = reader.settle(reader.evidence(path))
    assert [features_of(row.example).get("a") for row in reader.rows(path, kinds)] == features
    assert [features_of(row.example).get("a") for row in reader.rows(path, kinds)] == features
    assert len([*reader.column(path, "a")]) == len(values)


def test_a_float_that_is_not_whole_is_no_integer(tmp_path: Path):
    path = file(tmp_path, pa.table({"a": [1.0, None, 7.5]}))
    reader = ParquetFiles({"a": Declared("integer")})
    with pytest.raises(DataError, match=r"declares it as integer, but .*, row 3 holds FLOAT, such as '7\.5'"):
        reader.settle(reader.evidence(path))


@pytest.mark.parametrize(
    ("values", "type_", "message"),
    [
        ([2**63], pa.uint64(), "holds 9223372036854775808, which does not fit int64"),
        ([1e39], pa.float64(), r"holds 1e\+39, which does not fit float32"),
        ([[1, None]], pa.list_(pa.int64()), "has a null within a list"),
    ],
)
def test_a_value_that_does_not_fit_is_named_with_file_and_column(
    tmp_path: Path, values: list[Any], type_: pa.DataType, message: str
):
    with pytest.raises(DataError, match=rf"^{tmp_path}/part\.parquet: column 'a' {message}"):
        read_column(tmp_path, values, type_)


def test_columns_of_one_name_are_refused(tmp_path: Path):
    path = file(tmp_path, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]))
    with pytest.raises(DataError, match=f"^{path}: column names must differ, but 'a' occurs twice"):
        read(path)


@pytest.mark.parametrize("damage", ["empty", "cut off", "other format", "damaged page"])
def test_a_file_that_is_not_whole_parquet_is_named(tmp_path: Path, damage: str):
    path = Path(file(tmp_path, pa.table({"a": [f"value {number}" for number in range(1000)]})))
    whole = path.read_bytes()
    path.write_bytes(
        {
            "empty": b"",
            "cut off": whole[:-20],
            "other format": b"a,b\n1,2\n",
            "damaged page": whole[:4] + b"\xff" * 200 + whole[204:],
        }[damage]
    )
    with pytest.raises(DataError, match=f"^{path}: is not Parquet, or damaged"):
        read(str(path))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        # Milliseconds that were written as seconds are of the year 55,000.
        (1_700_000_000_000, pa.timestamp("s")),
        (1_700_000_000_000_000, pa.timestamp("s")),
        (10**18, pa.timestamp("us", "UTC")),
        (10**7, pa.date32()),
    ],
)
def test_a_date_that_python_does_not_have_is_named_with_file_and_column(
    tmp_path: Path, value: int, type_: pa.DataType
):
    """It was a traceback, or another date: microseconds beyond 64 bits begin again at the other end."""
    with pytest.raises(DataError, match=r"part\.parquet: column 'a' holds a .* not of the years 1 to 9999"):
        read_column(tmp_path, [value], type_)
