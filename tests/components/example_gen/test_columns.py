"""The kind of a field, and of a column from the evidence of many files."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen.columns import Kind, agreed, check_names, check_same, evidence, kind_of, merge, widest
from limbeck.errors import DataError


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("", Kind.EMPTY),
        ("0", Kind.INTEGER),
        ("-7", Kind.INTEGER),
        ("+7", Kind.INTEGER),
        (" 7\t", Kind.INTEGER),
        ("9223372036854775807", Kind.INTEGER),
        ("-9223372036854775808", Kind.INTEGER),
        ("9223372036854775808", Kind.LONG),
        ("-9223372036854775809", Kind.LONG),
        ("9" * 39, Kind.TEXT),
        ("9" * 10_000, Kind.TEXT),
        ("0.0", Kind.FLOAT),
        (".5", Kind.FLOAT),
        ("1.", Kind.FLOAT),
        ("1e3", Kind.FLOAT),
        ("3.4028235e38", Kind.FLOAT),
        ("3.5e38", Kind.TEXT),
        ("1e400", Kind.TEXT),
        ("nan", Kind.FLOAT),
        ("-inf", Kind.FLOAT),
        ("1_000", Kind.TEXT),
        ("٣", Kind.TEXT),
        ("0x10", Kind.TEXT),
        ("+-5", Kind.TEXT),
        ("1,5", Kind.TEXT),
        (" ", Kind.TEXT),
        ("true", Kind.TEXT),
    ],
)
def test_a_field_is_of_the_narrowest_kind_that_holds_it(value: str, kind: Kind):
    assert kind_of(value) == kind


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_int64_is_an_integer(number: int):
    assert kind_of(str(number)) == Kind.INTEGER


@given(st.floats(width=32))
def test_every_float32_is_a_float(number: float):
    assert kind_of(repr(number)) == Kind.FLOAT


@pytest.mark.parametrize(
    ("kinds", "settled"),
    [
        ((Kind.INTEGER, Kind.EMPTY), Kind.INTEGER),
        ((Kind.INTEGER, Kind.FLOAT), Kind.FLOAT),
        ((Kind.INTEGER, Kind.LONG), Kind.TEXT),
        ((Kind.LONG, Kind.FLOAT), Kind.FLOAT),
        ((Kind.FLOAT, Kind.TEXT), Kind.TEXT),
        ((Kind.EMPTY, Kind.EMPTY), Kind.EMPTY),
    ],
)
def test_a_column_has_the_widest_kind_whatever_the_order_of_files(kinds: tuple[Kind, ...], settled: Kind):
    parts = [evidence(f"file-{index}", {"a": kind}) for index, kind in enumerate(kinds)]
    for order in itertools.permutations(parts):
        assert widest(merge(order)) == {"a": settled}


def test_merging_in_steps_is_merging_at_once():
    parts = [evidence(path, {"a": kind}) for path in "xyz" for kind in (Kind.INTEGER, Kind.TEXT)]
    parts.append(evidence("w", {"b": Kind.FLOAT}))

    assert merge([merge(parts[4:]), merge(parts[:4])]) == merge(parts)
    assert merge(parts)["a"] == {Kind.INTEGER: "x", Kind.TEXT: "x"}


def test_a_named_column_stays_text():
    assert widest(evidence("f", {"zip": Kind.INTEGER, "n": Kind.INTEGER}), ["zip"]) == {
        "zip": Kind.TEXT,
        "n": Kind.INTEGER,
    }


def test_typed_files_may_not_contradict_each_other():
    numbers, words = evidence("n.parquet", {"a": Kind.FLOAT}), evidence("w.parquet", {"a": Kind.TEXT})

    assert agreed(merge([numbers, evidence("e", {"a": Kind.INTEGER})])) == {"a": Kind.FLOAT}
    with pytest.raises(DataError, match=r"column 'a' must be of one type .* n\.parquet and text in w\.parquet"):
        agreed(merge([words, numbers]))


def test_names_must_be_there_and_differ():
    check_names("f", ["a", "b"])
    with pytest.raises(DataError, match="f: every column needs a name, but column 2 has none"):
        check_names("f", ["a", ""])
    with pytest.raises(DataError, match="f: column names must differ, but 'a' stands there twice"):
        check_names("f", ["a", "b", "a"])


@pytest.mark.parametrize(
    ("received", "message"),
    [
        (["a", "c"], "one.csv has also 'b' and two.csv has also 'c'"),
        (["b", "a"], "one.csv has the order 'a', 'b' and two.csv has the order 'b', 'a'"),
        (["a"], "one.csv has also 'b' and two.csv has only 1 columns"),
    ],
)
def test_files_of_one_split_have_the_same_columns(received: list[str], message: str):
    check_same("one.csv", ["a", "b"], "two.csv", ("a", "b"))
    with pytest.raises(DataError, match=message):
        check_same("one.csv", ["a", "b"], "two.csv", received)
