"""The schema of the taxi task: all trips obey it, and each kind of mistake is told with feature and value."""

import csv
from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from limbeck.components.anomaly_stop import curated
from limbeck.components.anomaly_stop.data_check import listing
from limbeck.tasks.taxi import TASK, data, spans


def table(files) -> pd.DataFrame:
    """Trips, with the types that ExampleGen gives them; a gap is None."""
    rows = []
    for file in files:
        with file.open(encoding="utf-8", newline="") as opened:
            rows += list(csv.DictReader(opened))
    kinds = {
        feature.name: {"number": float, "integer": int, "text": str}[feature.kind] for feature in TASK.features
    }
    kinds |= {"trip_start_timestamp": int, data.LABEL: int}
    # Objects, because pandas turns integers with a gap into floating-point numbers.
    columns = {name: [kind(row[name]) if row[name] else None for row in rows] for name, kind in kinds.items()}
    return pd.DataFrame(columns, dtype=object)


@pytest.fixture(scope="module")
def trips(tmp_path_factory):
    """All trips."""
    folder = tmp_path_factory.mktemp("taxi")
    data.write(folder)
    return table(sorted(folder.glob("*/trips.csv")))


def found(frame: pd.DataFrame) -> list[str]:
    statistics = tfdv.generate_statistics_from_dataframe(frame)
    return listing("test", tfdv.validate_statistics(statistics, curated.read(TASK)))


def test_all_trips_obey_it(trips):
    assert len(trips) == 15_002
    assert found(trips) == []


def test_the_small_splits_of_single_months_obey_it(tmp_path):
    spans.write(tmp_path, "month")
    for month in (201301, 201302, 201303, 201609):
        for split in data.SHARES:
            assert found(table([tmp_path / str(month) / split / "trips.csv"])) == [], month


@pytest.mark.parametrize(
    ("feature", "value", "told"),
    [
        ("trip_start_hour", 24, "24"),
        ("fare", -3.5, "-3.5"),
        ("trip_miles", 5000.0, "5000"),
        ("payment_type", "Bitcoin", "Bitcoin"),
        ("dropoff_latitude", 40.7, "40.7"),
        ("pickup_community_area", 78, "78"),
        ("big_tip", 2, "2"),
    ],
)
def test_a_value_that_no_trip_can_have_is_told(trips, feature, value, told):
    some = trips.head(1500).copy()
    some.loc[some.index[5], feature] = value

    [sentence] = found(some)

    assert sentence.startswith(f"split 'test', feature '{feature}': ")
    assert told in sentence


def test_a_new_company_is_welcome(trips):
    some = trips.head(1500).copy()
    some.loc[some.index[5], "company"] = "A new one"
    assert found(some) == []


def test_a_column_of_gaps_is_told(trips):
    some = trips.head(1500).copy()
    some["dropoff_latitude"] = [
        None if index % 2 else value for index, value in enumerate(some["dropoff_latitude"])
    ]

    [sentence] = found(some)

    assert sentence.startswith("split 'test', feature 'dropoff_latitude': ")


def test_it_describes_the_written_columns():
    assert {feature.name for feature in curated.read(TASK).feature} == {*data.COLUMNS, data.LABEL}
    assert TASK.schema == Path(data.__file__).with_name("schema.pbtxt")
