"""Which split a row falls into: properties that must hold for any rows."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from limbeck.components.example_gen import moments
from limbeck.components.example_gen.division import (
    Division,
    assert_filled,
    boundaries,
    split_of,
    split_of_hash,
    split_of_moment,
)
from limbeck.errors import ConfigError, DataError
from limbeck.examples import SPLITS
from limbeck.settings.data import DataConfig, shares

VALUES = st.none() | st.integers(-5, 5) | st.text(max_size=3)
ROWS = st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES, "customer": VALUES, "y": VALUES}), max_size=30)
SHARES = st.tuples(st.integers(1, 98), st.integers(1, 98)).filter(lambda two: sum(two) < 100)


def text(two: tuple[int, int]) -> str:
    first, second = two
    return f"0.{first:02}/0.{second:02}/0.{100 - first - second:02}"


def divided(division: Division, rows: list[dict[str, Any]]) -> list[str]:
    return [split_of(division, row, ("y",)) for row in rows]


@given(ROWS, ROWS, SHARES, st.randoms(use_true_random=False))
def test_rows_that_are_added_and_the_order_move_none(
    rows: list[dict[str, Any]], added: list[dict[str, Any]], two: tuple[int, int], random: Any
):
    for division in (Division(text(two)), Division(text(two), group="customer")):
        before = dict(enumerate(divided(division, rows)))
        numbered = [*enumerate([*rows, *({**row, "new column": 1} for row in added)])]
        random.shuffle(numbered)
        after = {number: split_of(division, row, ("y",)) for number, row in numbered}
        assert before.items() <= after.items()


@given(ROWS, SHARES)
def test_a_group_stays_together_and_so_do_equal_rows(rows: list[dict[str, Any]], two: tuple[int, int]):
    places: dict[Any, set[str]] = {}
    for row, split in zip(rows, divided(Division(text(two), group="customer"), rows), strict=True):
        if row["customer"] not in (None, ""):
            places.setdefault(str(row["customer"]), set()).add(split)
    for row, split in zip(rows, divided(Division(text(two)), rows), strict=True):
        assert split_of(Division(text(two)), row | {"y": "other label"}, ("y",)) == split
    assert all(len(some) == 1 for some in places.values())


def test_shares_are_those_that_are_asked_for():
    hashes = np.random.default_rng(0).integers(0, 2**64, size=20000, dtype=np.uint64)
    found = [split_of_hash(Division("0.7/0.2/0.1"), int(one)) for one in hashes]
    for split, share in zip(SPLITS, (0.7, 0.2, 0.1), strict=True):
        # Four standard deviations.
        assert abs(found.count(split) / 20000 - share) < 4 * (share * (1 - share) / 20000) ** 0.5
    assert [split_of_hash(Division("0.5/0.25/0.25"), one) for one in (0, 2**63 - 1, 2**63, 2**64 - 1)] == [
        "train",
        "train",
        "validation",
        "test",
    ]


@given(
    st.lists(st.integers(-6, 6) | st.floats(-6, 6, width=32), min_size=1, max_size=40),
    SHARES,
    st.integers(1, 39),
    st.booleans(),
)
def test_times_are_divided_as_by_numpy(times: list[float], two: tuple[int, int], cut: int, dates: bool):
    if dates:
        times = [int(one) for one in times]
        written = [str(np.datetime64("2026-01-31") + one) for one in times]
    else:
        written = [repr(one) for one in times]
    division = Division(text(two), time="t")
    parts = [moments.gather("t", [("place", one) for one in some]) for some in (written[:cut], written[cut:])]

    for merged in (moments.merge(parts), moments.merge([moments.merge(parts[::-1])])):
        cuts = moments.cuts("t", merged, SPLITS[1:], lambda number: boundaries(division, number))
        found = [split_of_moment(cuts, moments.parse(one).moment) for one in written]
        older = np.array([sum(other < one for other in times) for one in times])
        places = (older * 100 >= two[0] * len(times)).astype(int) + (older * 100 >= sum(two) * len(times))
        assert found == [SPLITS[place] for place in places]


def test_large_integers_are_not_rounded():
    ids = [2**60 + number for number in range(10)]
    found = moments.gather("t", [("place", str(one)) for one in ids])
    cuts = moments.cuts("t", found, SPLITS[1:], lambda number: [4, 8])
    assert [first for _, first in cuts.firsts] == [2**60 + 4, 2**60 + 8]


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("2026-01-31", "2026-01-31T00:00:00Z"),
        ("2026-01-31T12:30", "2026-01-31 12:30:00.000"),
        ("2026-01-31T12:30:00+01:00", "2026-01-31T11:30:00Z"),
        ("2026-01-31T12:30:00-0530", "2026-01-31T18:00:00"),
    ],
)
def test_iso_texts_of_one_time_are_one(written: str, same: str):
    assert moments.parse(written) == moments.parse(same.encode())
    assert moments.parse(written).moment == np.datetime64(
        moments.shown(moments.parse(same).moment, True), "ns"
    ).astype(int)


@pytest.mark.parametrize("value", ["31.1.2026", "2026-02-30", "yesterday", "nan", [1, 2], "2026-01"])
def test_what_is_no_time_is_refused(value: Any):
    with pytest.raises(
        DataError, match=r"^f:2: data\.time names the column 't', which must hold numbers, or dates"
    ):
        moments.gather("t", [("f:1", "2026-01-31"), ("f:2", value)])


def test_an_empty_split_is_told_with_its_counts():
    division = Division("0.8/0.1/0.1", group="customer")
    assert_filled(division, {"train": 8, "validation": 1, "test": 1})
    with pytest.raises(DataError, match=re.escape("train has 8 of 9 examples (88.9%), validation has 1 of 9")):
        assert_filled(division, {"train": 8, "validation": 1})


@pytest.mark.parametrize(
    ("split", "message"),
    [
        ("80/10/10", r"must have the sum 1, but that of 80/10/10 is 100"),
        ("0.8/0.1/0.2", r"must have the sum 1, but that of 0\.8/0\.1/0\.2 is 1\.1"),
        ("0.9/0.1", r"takes the shares of train, validation, test, such as 0\.8/0\.1/0\.1; received '0\.9/0\.1'"),
        ("a/b/c", r"takes the shares"),
        ("1.1/-0.1/0", r"takes the shares"),
        ("0.9/0/0.1", r"a share above 0"),
    ],
)
def test_shares_that_divide_nothing_are_refused(split: str, message: str):
    with pytest.raises(ConfigError, match=message):
        DataConfig(path="x", split=split)


def test_shares_are_exact_decimals():
    assert sum(shares("0.7/0.2/0.1")) == 1
    assert DataConfig(path="x", split="0.333/0.333/.334").split == "0.333/0.333/.334"


def test_contradictions_are_refused():
    with pytest.raises(ConfigError, match=r"data\.group=c and data\.time=t contradict each other"):
        DataConfig(path="x", split="0.8/0.1/0.1", group="c", time="t")
    for name in ("group", "time"):
        with pytest.raises(ConfigError, match=rf"data\.{name}=c says .* set data\.split=0\.8/0\.1/0\.1, or leave"):
            DataConfig(path="x", **{name: "c"})
    with pytest.raises(ConfigError, match=r"data\.unlabelled takes no placeholders, received x/\{SPAN\}"):
        DataConfig(path="x", unlabelled="x/{SPAN}")
