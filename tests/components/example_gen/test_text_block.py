"""Blocks of texts: what comes out, and what is counted, is the same as with one tf.Example for each row."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen import columns
from limbeck.components.example_gen.blocks import BLOCK_ROWS, serialize
from limbeck.components.example_gen.columns import Kind
from limbeck.components.example_gen.csv_files import CsvFiles
from limbeck.components.example_gen.declaration import Declaration, Declared
from limbeck.components.example_gen.inspection import SplitSummary
from tests.components.example_gen.tables import FLOATS, INTEGERS, TEXT, Table, tables

ROWS = [
    # x, n, whole, t, y, z
    ["0.5", "1", "7.0", "a", "low", "1"],
    ["", "", "", "", "", ""],
    ["2", "-9223372036854775808", "true", "ß→🙂", "high", "0"],
    ["1e30", "300", "2", '"', "", "1"],
    ["true", "9223372036854775807", "3", "0501", "low", ""],
]
SOUND: Declaration = {
    "x": Declared("number"),
    "whole": Declared("integer"),
    "t": Declared("text"),
    "y": Declared("text", classes=("low", "high"), label=True),
    "z": Declared("integer", classes=("0", "1"), label=True),
}
FAULTY = {
    "two values": SOUND | {"t": Declared("text", 2)},
    "an unknown class": SOUND | {"y": Declared("text", classes=("low", "mid"), label=True)},
    "a number that is no class": SOUND | {"z": Declared("integer", classes=("only",), label=True)},
    "nothing declared": {},
}


def written(folder: Path, names: list[str], rows: list[list[Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(names)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    path = folder / "part.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return str(path)


def both_ways(path: str, declaration: Declaration) -> None:
    reader = CsvFiles(declaration=declaration)
    kinds = reader.settle(reader.evidence(path))
    by_row, by_block = SplitSummary("train"), SplitSummary("train")
    expected = []
    for place, example, _ in reader.rows(path, kinds):
        by_row.take(example, place, declaration)
        expected.append(serialize(example))
    made = [record for block in reader.blocks(path, kinds) for record in block.records(by_block, declaration)]
    assert made == expected
    assert by_block == by_row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blocks")


@given(tables())
def test_any_table(folder: Path, table: Table):
    both_ways(written(folder, list(table.columns), [list(row) for row in table.rows]), {})


@pytest.mark.parametrize("declaration", [SOUND, *FAULTY.values()], ids=["sound", *FAULTY])
@pytest.mark.parametrize("odd", ["0.25", "nan", "inf"])
def test_what_a_task_declares(tmp_path: Path, declaration: Declaration, odd: str):
    rows = [*ROWS, [odd, *ROWS[0][1:]]]
    both_ways(written(tmp_path, ["x", "n", "whole", "t", "y", "z"], rows), declaration)


def test_a_fault_far_behind_and_gaps_in_some_blocks(tmp_path: Path):
    rows = [[f"{row}.5", "", "7", "a", "low", "1"] for row in range(BLOCK_ROWS)]
    rows += [[f"{row}", f"{row}", "", "b", "high", ""] for row in range(BLOCK_ROWS)]
    rows += [["nan", "1", "1", "b", "low", "1"]]
    both_ways(written(tmp_path, ["x", "n", "whole", "t", "y", "z"], rows), SOUND)


def test_a_block_of_some_rows(tmp_path: Path):
    path = written(tmp_path, ["b", "a"], [["1", "x"], ["", "y"], ["3", ""]])
    [block] = CsvFiles().blocks(path, {"a": Kind.TEXT, "b": Kind.INTEGER})
    whole = block.records(SplitSummary("train"), {})
    summary = SplitSummary("test")
    assert block.select([2, 0]).records(summary, {}) == [whole[2], whole[0]]
    assert summary.examples == 2
    assert list(block.select([1]).values()) == [{"b": "", "a": "y"}]
    assert block.select([]).records(summary, {}) == []


@given(
    st.lists(
        st.one_of(INTEGERS.map(str), FLOATS.map(str), TEXT, st.just("1\n2"), st.just("")), min_size=1, max_size=5
    )
)
def test_no_wider_kind_is_overlooked(fields: list[str]):
    widest = max(map(columns.kind_of, fields))
    assert not any(columns.surely_no_wider(kind, fields) for kind in Kind if kind < widest)


@pytest.mark.parametrize(("kind", "fields"), [
    (Kind.EMPTY, ["", ""]), (Kind.INTEGER, ["1", "", "-20", "+3"]), (Kind.FLOAT, ["1", "", "-0.5", "2.", "1.5e-7"]),
    (Kind.TEXT, ["anything", "1\n2"]),
])  # fmt: skip
def test_usual_fields_need_no_second_look(kind: Kind, fields: list[str]):
    assert columns.surely_no_wider(kind, fields)
