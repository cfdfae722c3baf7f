"""The kind of a field, and of a column from the evidence of many files."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen.columns import (
    Kind,
    Sighting,
    agreed,
    check_names,
    check_same,
    evidence,
    kind_of,
    merge,
    settle,
)
from limbeck.components.example_gen.declaration import Declared
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
        assert settle(merge(order), {}) == {"a": settled}


def test_merging_in_steps_is_merging_at_once():
    parts = [evidence(path, {"a": kind}) for path in "xyz" for kind in (Kind.INTEGER, Kind.TEXT)]
    parts.append(evidence("w", {"b": Kind.FLOAT}))

    assert merge([merge(parts[4:]), merge(parts[:4])]) == merge(parts)
    assert merge(parts)["a"] == {Kind.INTEGER: Sighting("x"), Kind.TEXT: Sighting("x")}


@pytest.mark.parametrize(
    ("declared", "kind", "settled"),
    [
        # Whole numbers today: 17.75 may come tomorrow, and must not be cut to 17.
        ("number", Kind.INTEGER, Kind.FLOAT),
        ("number", Kind.LONG, Kind.FLOAT),
        ("number", Kind.EMPTY, Kind.FLOAT),
        ("integer", Kind.INTEGER, Kind.INTEGER),
        ("text", Kind.INTEGER, Kind.TEXT),
    ],
)
def test_what_the_task_declares_settles_the_kind(declared: str, kind: Kind, settled: Kind):
    found = evidence("f", {"a": kind, "undeclared": kind})
    assert settle(found, {"a": Declared(declared), "absent": Declared("number")})["a"] == settled


@pytest.mark.parametrize(
    ("declared", "kind", "said"),
    [("integer", Kind.FLOAT, "FLOAT"), ("integer", Kind.LONG, "beyond 64 bits"), ("number", Kind.TEXT, "text")],
)
def test_values_of_a_wider_kind_than_declared_are_refused_with_one_of_them(declared: str, kind: Kind, said: str):
    found = {"a": {Kind.INTEGER: Sighting("f:2", "1"), kind: Sighting("f:7", "odd")}}
    with pytest.raises(
        DataError, match=f"column 'a': the task declares it as {declared}, but f:7 holds .*{said}.*'odd'"
    ):
        settle(found, {"a": Declared(declared)})


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1e400", "holds '1e400', a number that is too large for float32: correct"),
        ("-3.5e38", "holds '-3.5e38', a number that is too large for float32: correct"),
        ("9" * 40, "9', a number that is too large for float32: correct"),
        ("1_000", "holds text, such as '1_000': correct"),
        ("n/a", "holds text, such as 'n/a': correct"),
    ],
)
def test_a_number_that_overflows_is_not_said_to_be_text(value: str, said: str):
    assert kind_of(value) == Kind.TEXT
    with pytest.raises(DataError) as caught:
        settle({"a": {Kind.TEXT: Sighting("f:7", value)}}, {"a": Declared("number")})
    assert said in str(caught.value)


def test_a_typed_column_of_numbers_does_not_become_text():
    with pytest.raises(DataError, match="declares it as text, but f holds INT: cast the column to text"):
        agreed(evidence("f", {"zip": Kind.INTEGER}), {"zip": Declared("text")})


def test_typed_files_may_not_contradict_each_other():
    numbers, words = evidence("n.parquet", {"a": Kind.FLOAT}), evidence("w.parquet", {"a": Kind.TEXT})

    assert agreed(merge([numbers, evidence("e", {"a": Kind.INTEGER})]), {}) == {"a": Kind.FLOAT}
    with pytest.raises(DataError, match=r"column 'a' must be of one type .* n\.parquet and text in w\.parquet"):
        agreed(merge([words, numbers]), {})


def test_names_must_be_there_and_differ():
    check_names("f", ["a", "b"])
    with pytest.raises(DataError, match="f: every column needs a name, but column 2 has none"):
        check_names("f", ["a", ""])
    with pytest.raises(DataError, match="f: column names must differ, but 'a' occurs twice"):
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
