"""The columns of a trip, and what the models see of them.

Fares, distances and durations have heavy tails, and places are missing in many trips: `limbeck.tabular` describes a
number by its distance from the mean (cut), by its place among the quantiles, and by whether it is missing. A company or
a place that the training data lack shares the last place of its column.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from limbeck.tabular import Table

# The number of values with a place of their own: all hours, days and months. Chicago has 77 community areas.
TRIP = Table(
    numbers=(
        "fare", "trip_miles", "trip_seconds",
        "pickup_latitude", "pickup_longitude", "dropoff_latitude", "dropoff_longitude",
    ),
    categories={"payment_type": 8, "company": 32},
    codes={
        "trip_start_month": 12, "trip_start_day": 7, "trip_start_hour": 24,
        "pickup_community_area": 77, "dropoff_community_area": 77, "dropoff_census_tract": 200,
    },
)  # fmt: skip
# Rows of the embedding of each column of `categories`: one for each place, and one for all other values.
VOCABULARIES = tuple(values + 1 for values in {**TRIP.categories, **TRIP.codes}.values())


def preprocessing_fn(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Makes `numbers` float32 `[batch, 7, 3]` and `categories` int64 `[batch, 8]`, as `Table.preprocess` says."""
    return TRIP.preprocess(inputs)
