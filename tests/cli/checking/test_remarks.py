"""What is odd about data, and what is not."""

from __future__ import annotations

import dataclasses

import pytest

from limbeck.cli.checking.outcome import Column, Data
from limbeck.cli.checking.remarks import remarks

SOUND = Data(
    rows={"train": 100, "validation": 20, "test": 20},
    all_rows={"train": 100, "validation": 20, "test": 20},
    columns=(Column("age", 100, 0, False, None), Column("town", 100, 5, False, 60)),
    labels={"no": 60, "yes": 40},
    classes=("no", "yes"),
    leaked={"validation": 0, "test": 0},
)


def with_column(*given: object) -> Data:
    return dataclasses.replace(SOUND, columns=(*SOUND.columns, Column("odd", 100, *given)))


def test_nothing_is_odd_about_sound_data():
    assert remarks(SOUND) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (with_column(100, True, None), ["column 'odd' has no value in any row: leave it out"]),
        (with_column(0, True, None), ["column 'odd' has the same value in every row"]),
        (with_column(0, False, 95), ["another text in nearly every row (95 of 100)"]),
        (with_column(40, True, 1), ["the same value in every row", "no value in 40 of 100 (40 %) of the rows"]),
        (dataclasses.replace(SOUND, labels={"no": 100}), ["no training row has the label 'yes'"]),
        (
            dataclasses.replace(SOUND, labels={"no": 40, "yes": 9}),
            ["a label is rare among the training rows: 'yes' (9)"],
        ),
        (
            dataclasses.replace(SOUND, labels={"no": 900, "yes": 30}),
            ["30 times as many", "900 of 930 (97 %)", "always says 'no'"],
        ),
        (dataclasses.replace(SOUND, unlabelled=25), ["25 of 100 (25 %) of the training rows have no label"]),
        (dataclasses.replace(SOUND, duplicates=3), ["3 of 100 (3 %) of the training rows equal another"]),
        (
            dataclasses.replace(SOUND, leaked={"test": 2}),
            ["2 of 20 (10 %) of the rows of split 'test' equal a training"],
        ),
    ],
)
def test_what_is_odd_is_told_with_its_count(data: Data, says: list[str]):
    told = remarks(data)

    assert len(told) <= len(says)
    for part in says:
        assert any(part in sentence for sentence in told), told


@pytest.mark.parametrize(
    "data",
    [
        with_column(5, False, None),
        with_column(60, False, 39),  # 40 rows say little about an identifier
        dataclasses.replace(SOUND, labels={"no": 99, "yes": 10}),
        dataclasses.replace(SOUND, labels={}, classes=()),
    ],
)
def test_limits_are_on_the_safe_side(data: Data):
    assert not any("identifier" in one or "imbalanced" in one or "rare" in one for one in remarks(data))


def test_many_names_are_not_all_listed():
    classes = tuple(f"c{number}" for number in range(40))
    data = dataclasses.replace(SOUND, labels={"c0": 50, "c1": 50}, classes=classes)

    [told] = [one for one in remarks(data) if "no training row" in one]

    assert told.endswith("'c2', 'c3', 'c4', 'c5', 'c6' and 33 more")
