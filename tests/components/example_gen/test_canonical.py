"""One text for one value, however it is written; and what that buys."""

import datetime
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen.canonical import HASHES, canonical, digest, row_digest


@pytest.mark.parametrize(
    "alike",
    [
        ["1", b"1", 1, 1.0, "1.0", "01", " 1", "+1", "1e0", True, "true", "TRUE", [1], [b"1"]],
        ["0", 0, -0.0, "-0", "0.000", False, "False"],
        ["0.1", 0.1, struct.unpack("<f", struct.pack("<f", 0.1))[0], "1e-1"],
        ["", None, b"", [], [None], [""]],
        ["2026-01-31", datetime.date(2026, 1, 31)],
        ["123456789012345678", 123456789012345678],
        ["ß", "ß".encode()],
        [[1, 2], ["1", "2.0"]],
    ],
)
def test_values_that_a_program_may_write_in_several_ways_are_one(alike: list[Any]):
    assert len({canonical(value) for value in alike}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", "2"),
        (16777216, 16777217),
        ("1000000000001", "1000000000002"),
        ([1, 2], [12]),
        ([1, 2], [2, 1]),
        ("a", "A"),
        ("nan", ""),
        (b"\xff\xd8", b"\xff\xd9"),
        ("1_0", "10"),
    ],
)
def test_other_values_are_others(one: Any, other: Any):
    assert canonical(one) != canonical(other)


VALUES = st.none() | st.integers() | st.floats(width=32) | st.text(max_size=4) | st.binary(max_size=4)
TABLES = st.dictionaries(st.text(min_size=1, max_size=3), VALUES | st.lists(VALUES, max_size=3), max_size=4)


@given(TABLES, st.randoms(use_true_random=False))
def test_neither_the_order_of_columns_nor_empty_columns_count(row: dict[str, Any], random: Any):
    names = list(row)
    random.shuffle(names)
    scrambled = {name: row[name] for name in names} | {"new column": None}
    assert row_digest(scrambled, ()) == row_digest(row, ())
    assert 0 <= row_digest(row, ()) < HASHES


@given(TABLES, st.text(min_size=1, max_size=3), VALUES)
def test_a_label_does_not_count(row: dict[str, Any], label: str, value: Any):
    assert row_digest(row | {label: value}, (label,)) == digest(row, row.keys() - {label})


def test_names_and_values_are_told_apart():
    rows = [{"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "b", "c": "d"}, {"a": "d", "c": "b"}]
    assert len({row_digest(row, ()) for row in rows}) == len(rows)
