"""Writes the taxi trips as CSV files, one folder for each split. The label is made here, so no model can see the tip.

The trips come from the examples of the installed tfx package: 15,002 trips of the years 2013 to 2016, from the open
data of the city of Chicago. Nothing of them is kept in this project.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import itertools
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path

from limbeck.errors import DataError

LABEL = "big_tip"
# Without `tips`, of which the label is made, and without `pickup_census_tract`, which one trip has.
COLUMNS = (
    "trip_start_timestamp", "trip_start_month", "trip_start_day", "trip_start_hour", "trip_seconds", "trip_miles",
    "fare", "payment_type", "company", "pickup_community_area", "pickup_latitude", "pickup_longitude",
    "dropoff_community_area", "dropoff_census_tract", "dropoff_latitude", "dropoff_longitude",
)  # fmt: skip
# The share of each split, in percent.
SHARES = {"train": 70, "validation": 15, "test": 15}
# A tip is big if it is more than a fifth of the fare.
_BIG = 5
_FILE = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")

Row = Mapping[str, str]


def write(folder: Path) -> None:
    """Writes `<split>/trips.csv` for each split into `folder`, with COLUMNS and LABEL (0 or 1). Gaps are empty fields.

    Raises:
      DataError: if the installed tfx package has no taxi trips.
      FileExistsError: if `folder` already holds a split.
    """
    write_rows(folder, trips())


def write_rows(folder: Path, rows: Iterable[Row]) -> None:
    """Does the same with some of the trips.

    Args:
      folder: an existing folder.
      rows: trips, with the columns of the tfx package's file.
    """
    divided: dict[str, list[list[str]]] = {split: [] for split in SHARES}
    for row in rows:
        divided[split_of(row)].append([*(row[name] for name in COLUMNS), str(int(is_big_tip(row)))])
    for split, lines in divided.items():
        (folder / split).mkdir()
        with (folder / split / "trips.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows([[*COLUMNS, LABEL], *lines])


def trips() -> Iterator[Row]:
    """Yields the trips as the tfx package has them: texts by column. A gap is the empty text.

    Raises:
      DataError: if the installed tfx package has none.
    """
    # Finds the package without importing it, which takes seconds.
    spec = importlib.util.find_spec("tfx")
    places = list(spec.submodule_search_locations or []) if spec else []
    found = [Path(place) / _FILE for place in places if (Path(place) / _FILE).is_file()]
    if not found:
        raise DataError(
            f"the taxi trips must be in the installed tfx package, as {_FILE}, but they are not in {places}: install "
            "the pinned requirements again, or give --set data.path=FOLDER"
        )
    with found[0].open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def is_big_tip(row: Row) -> bool:
    """Returns whether the tip is more than 20 % of the fare.

    Many tips are exactly 20 %, because card terminals offer that. So the comparison is one of decimals: in float32, a
    tip of 1.45 for a fare of 7.25 is more than 20 %.
    """
    return Decimal(row["tips"]) * _BIG > Decimal(row["fare"])


def split_of(row: Row) -> str:
    """Returns the split of a trip, by a hash of its COLUMNS. The tip has no part in it."""
    content = "\n".join(row[name] for name in COLUMNS).encode()
    place = int.from_bytes(hashlib.sha256(content).digest()[:8], "big") * 100 >> 64
    ends = itertools.accumulate(SHARES.values())
    return next(split for split, end in zip(SHARES, ends, strict=True) if place < end)
