"""Which role a column gets, and what is learnt: decided from few figures."""

from collections import Counter

import pytest

from limbeck.cli.new_task import label_plan, roles
from limbeck.cli.new_task.summary import ColumnSummary, TableSummary
from limbeck.errors import ConfigError, DataError

ROWS = 100


def column(name: str, values: list, kind: str | None = None) -> ColumnSummary:
    there = [value for value in values if value is not None]
    kinds = {int: "integer", float: "number", str: "text"}
    counts = Counter(map(str, there))
    whole = bool(there) and all(not isinstance(one, str) and float(one).is_integer() for one in there)
    return ColumnSummary(
        name,
        kind or (kinds[type(there[0])] if there else "empty"),
        len(there),
        counts,
        len(counts),
        whole=whole,
        longest=max((len(one) for one in there if isinstance(one, str)), default=0),
    )


def table(**columns: list) -> TableSummary:
    return TableSummary(ROWS, tuple(column(name, values) for name, values in columns.items()))


COUNTED = list(range(1, ROWS + 1))
MEASURED = [one / 7 for one in range(ROWS)]
CITY = ["Rome", "Paris", "Oslo", "Bern"] * 25


@pytest.mark.parametrize(
    ("values", "role", "remark"),
    [
        (MEASURED, "number", ""),
        ([one % 50 * 3 for one in range(ROWS)], "number", ""),
        ([one % 6 for one in range(ROWS)], "number", "6 different whole numbers"),
        ([one % 2 for one in range(ROWS)], "number", ""),
        (CITY, "category", ""),
        ([None] * 60 + CITY[:40], "category", ""),
        (COUNTED, "unused", "counts the rows"),
        ([None] * ROWS, "unused", "no row has a value"),
        ([5] * ROWS, "unused", "always 5"),
        ([5] * 99 + [None], "number", ""),
        ([7] + [None] * 99, "unused", "one row has a value"),
        ([f"customer {one}" for one in range(ROWS)], "unused", "100 different texts in 100 rows"),
        (["long text " * 10, "other"] * 50, "unused", "texts of up to 100 characters"),
    ],
)
def test_each_column_has_a_role(values, role, remark):
    [assigned] = roles.assign(table(column=values), ())
    assert (assigned.role, assigned.remark) == (role, remark)


def test_a_category_has_a_place_for_each_value_up_to_a_limit():
    many = TableSummary(10**6, (ColumnSummary("shop", "text", 10**6, {}, 5_000, longest=9),))
    assert roles.assign(table(city=CITY), ())[0].values == 4
    assert roles.assign(many, ())[0].values == roles.MOST_CATEGORIES


def test_labels_have_no_role():
    assert [one.name for one in roles.assign(table(a=MEASURED, b=CITY), ("b",))] == ["a"]


def test_a_table_that_tells_nothing_is_refused():
    with pytest.raises(DataError, match="'id': counts the rows"):
        roles.assert_some(roles.assign(table(id=COUNTED, y=CITY), ("y",)))


@pytest.mark.parametrize(
    ("values", "format", "objective", "kind", "classes"),
    [
        (CITY, "csv", "classes", "text", ("Bern", "Oslo", "Paris", "Rome")),
        (["no", "yes"] * 50, "csv", "binary", "text", ("no", "yes")),
        ([0, 1] * 50, "csv", "binary", "integer", ()),
        ([0.0, 1.0] * 50, "parquet", "binary", "integer", ()),
        ([0, 1, 2, 3] * 25, "tfrecord", "classes", "integer", ("0", "1", "2", "3")),
        ([-1, 1] * 50, "csv", "binary", "text", ("-1", "1")),
        ([9, 10, 11, 12] * 25, "csv", "classes", "text", ("9", "10", "11", "12")),
        (MEASURED, "csv", "regression", "number", ()),
        (COUNTED, "csv", "regression", "number", ()),
        ([0.5, 1.0] * 50, "csv", "regression", "number", ()),
    ],
)
def test_the_label_decides_what_is_learnt(values, format, objective, kind, classes):
    planned = label_plan.plan(table(y=values), ("y",), format)
    assert (planned.objective, planned.kind, planned.classes) == (objective, kind, classes)


def test_several_columns_of_0_and_1_are_several_labels():
    planned = label_plan.plan(table(a=[0, 1] * 50, b=[1, 1, 0, 0] * 25), ("a", "b"), "csv")
    assert (planned.objective, planned.outputs) == ("multi_label", 2)


@pytest.mark.parametrize(
    ("values", "format", "message"),
    [
        ([1, 2, 3, 4] * 25, "parquet", "count from 0, but column 'y' has 4 different values from 1 to 4"),
        ([1.0, 2.0] * 50, "csv", "number the classes from 0, or write them as texts"),
        ([3] * ROWS, "csv", "two different values, but column 'y' is always 3"),
        ([None] * ROWS, "csv", "column 'y' has no value at all"),
        ([f"text {one}" for one in range(ROWS)], "csv", "100 different texts in 100 rows"),
    ],
)
def test_a_label_that_cannot_be_learnt_is_refused(values, format, message):
    with pytest.raises(DataError, match=message):
        label_plan.plan(table(y=values), ("y",), format)


def test_several_labels_must_be_0_and_1():
    with pytest.raises(DataError, match="column 'b' holds 1, 2"):
        label_plan.plan(table(a=[0, 1] * 50, b=[1, 2] * 50), ("a", "b"), "csv")


def test_what_is_odd_about_a_label_is_told():
    planned = label_plan.plan(table(y=["a"] * 50 + ["b"] * 40 + ["c"] * 5 + [None] * 5), ("y",), "csv")
    assert planned.remarks == (
        "5 of 100 rows have no y: they count as unlabelled.",
        "Few rows to learn from: c (5).",
    )


def test_a_column_whose_name_has_a_comma_is_one_label():
    odd = TableSummary(ROWS, (column("a,b", CITY), column("a", CITY), column("b", CITY)))
    assert label_plan.columns_of(odd.names, "a,b") == ("a,b",)
    assert label_plan.columns_of(table(a=CITY, b=CITY).names, "a, b") == ("a", "b")


@pytest.mark.parametrize(
    ("text", "message"), [("citty", "Did you mean 'city'"), ("city,city", "each column once")]
)
def test_a_label_that_is_no_column_is_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        label_plan.columns_of(table(city=CITY, other=CITY).names, text)
