"""Distances between data that TFDV made statistics of."""

import numpy as np
import pandas
import pytest
import tensorflow_data_validation as tfdv

from limbeck.components.anomaly_stop.distances import FEWEST_VALUES, distances
from limbeck.settings.drift import DriftConfig

RANDOM = np.random.default_rng(7)


def between(one: pandas.DataFrame, other: pandas.DataFrame) -> dict[str, float]:
    statistics, others = map(tfdv.generate_statistics_from_dataframe, (one, other))
    found = distances(list(one), tfdv.infer_schema(statistics), statistics, others)
    assert [distance.value for distance in found] == sorted((distance.value for distance in found), reverse=True)
    return {distance.feature: distance.value for distance in found}


def test_data_are_at_no_distance_from_themselves():
    data = pandas.DataFrame(
        {"number": RANDOM.normal(size=300), "whole": [1, 2, 3] * 100, "text": ["a", "b"] * 150}
    )

    assert between(data, data) == {"number": 0.0, "whole": 0.0, "text": 0.0}


def test_texts_are_as_far_apart_as_the_share_of_one_of_them():
    one = pandas.DataFrame({"text": ["a"] * 50 + ["b"] * 30 + ["c"] * 20})
    other = pandas.DataFrame({"text": ["a"] * 100 + ["b"] * 80 + ["c"] * 20})

    assert between(one, other) == {"text": pytest.approx(0.1)}


def test_what_never_overlaps_is_at_distance_one():
    one = pandas.DataFrame({"number": RANDOM.uniform(0, 1, 200), "text": ["a"] * 200})
    other = pandas.DataFrame({"number": RANDOM.uniform(5, 6, 200), "text": ["b"] * 200})

    assert between(one, other) == {"number": pytest.approx(1.0), "text": 1.0}


@pytest.mark.parametrize("rows", [FEWEST_VALUES, 1000])
def test_samples_of_one_distribution_are_within_the_default_threshold(rows: int):
    """Outliers included, for which TFDV's default histograms give distances of up to 0.9."""

    def drawn() -> pandas.DataFrame:
        return pandas.DataFrame(
            {
                "normal": RANDOM.normal(size=rows),
                "heavy": RANDOM.lognormal(sigma=2.0, size=rows),
                "heavier": RANDOM.pareto(1.0, size=rows),
                "sparse": np.where(RANDOM.random(rows) < 0.8, 0.0, RANDOM.normal(size=rows)),
                "digit": RANDOM.integers(0, 10, rows),
                "text": RANDOM.choice(list("abc"), rows),
                "name": [str(one) for one in RANDOM.integers(0, 10**9, rows)],
            }
        )

    for _ in range(5):
        found = between(drawn(), drawn())
        assert len(found) == 7
        assert max(found.values()) < DriftConfig().threshold, found


@pytest.mark.parametrize("change", [lambda x: x + 2, lambda x: x * 10, lambda x: x / 255])
def test_another_unit_or_range_is_beyond_the_default_threshold(change):
    one = pandas.DataFrame({"number": RANDOM.normal(size=1000)})

    assert between(one, change(one))["number"] > DriftConfig().threshold


def test_few_values_are_not_compared():
    few = pandas.DataFrame({"text": ["a"] * FEWEST_VALUES, "number": [1.0] * (FEWEST_VALUES - 1) + [None]})
    many = pandas.DataFrame({"text": ["a"] * 500, "number": [2.0] * 500})

    assert set(between(few, many)) == set(between(many, few)) == {"text"}


def test_what_one_side_lacks_or_holds_as_another_type_is_no_error():
    one = pandas.DataFrame({"same": [1.0] * 200, "missing": [1.0] * 200, "other": [1.0] * 200})
    other = pandas.DataFrame({"same": [1.0] * 200, "other": ["a"] * 200})

    assert between(one, other) == {"same": 0.0}
