"""Writes the taxi trips year by year or month by month: `python -m limbeck.tasks.taxi.spans FOLDER --by year`.

Data arrive in spans, and a model is trained anew when one arrives. The trips of the tfx package came long ago, all at
once. So this program plays their arrival: `data.path=FOLDER/{SPAN}` takes the newest span that is there.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from pathlib import Path
from typing import Literal, get_args

from limbeck.errors import ConfigError, UserError
from limbeck.tasks.taxi import data

Period = Literal["year", "month"]


def write(folder: Path, period: Period) -> list[int]:
    """Writes `<span>/<split>/trips.csv` for each year (2013) or month (201301) into `folder`, which is made.

    Returns:
      The numbers of the spans, in ascending order.

    Raises:
      ConfigError: if `folder` already holds a span.
      DataError: if the installed tfx package has no taxi trips.
    """
    by_span: dict[int, list[data.Row]] = {}
    for row in data.trips():
        by_span.setdefault(span_of(row, period), []).append(row)
    there = [str(span) for span in by_span if (folder / str(span)).exists()]
    if there:
        raise ConfigError(
            f"{folder} must hold no span yet, but has {', '.join(sorted(there))}: give another folder"
        )
    for span, rows in sorted(by_span.items()):
        (folder / str(span)).mkdir(parents=True)
        data.write_rows(folder / str(span), rows)
    return sorted(by_span)


def span_of(row: data.Row, period: Period) -> int:
    """Returns the year, or the year and the month in six digits, in which a trip began."""
    began = datetime.datetime.fromtimestamp(int(row["trip_start_timestamp"]), datetime.timezone.utc)
    return began.year if period == "year" else began.year * 100 + began.month


def main(arguments: list[str] | None = None) -> int:
    """Runs the program. Returns its exit code."""
    parser = argparse.ArgumentParser(prog="limbeck.tasks.taxi.spans", description="Write the taxi trips in spans.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="folder that gets a folder for each span")
    parser.add_argument("--by", choices=get_args(Period), default="year", help="length of a span (year)")
    parsed = parser.parse_args(arguments)
    try:
        spans = write(parsed.folder, parsed.by)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"wrote {len(spans)} spans, {spans[0]} to {spans[-1]}, into {parsed.folder}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
