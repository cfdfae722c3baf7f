"""The taxi trips, year by year and month by month."""

import csv
from collections import Counter

import pytest

from limbeck.tasks.taxi import data, spans


def rows(folder):
    found = []
    for file in sorted(folder.rglob("trips.csv")):
        with file.open(encoding="utf-8", newline="") as opened:
            found += [(file.parent.name, tuple(row.values())) for row in csv.DictReader(opened)]
    return Counter(found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("taxi")
    data.write(folder)
    return rows(folder)


@pytest.fixture(scope="module")
def years(tmp_path_factory):
    folder = tmp_path_factory.mktemp("years") / "spans"
    assert spans.write(folder, "year") == [2013, 2014, 2015, 2016]
    return folder


def test_the_spans_together_are_all_trips_and_no_trip_changes_its_split(years, whole):
    assert sum((rows(folder) for folder in years.iterdir()), Counter()) == whole


def test_a_span_holds_the_trips_of_its_year(years):
    # Seconds at which the years 2014 and 2015 begin, in UTC.
    begin, end = 1388534400, 1420070400
    found = rows(years / "2014")
    moments = [int(values[data.COLUMNS.index("trip_start_timestamp")]) for _, values in found]
    assert begin <= min(moments) < max(moments) < end
    assert sum(found.values()) == sum(begin <= int(row["trip_start_timestamp"]) < end for row in data.trips())


def test_months_are_numbered_by_year_and_month(tmp_path, whole):
    written = spans.write(tmp_path, "month")
    assert (len(written), written[0], written[11], written[-1]) == (48, 201301, 201312, 201612)
    months = {values[data.COLUMNS.index("trip_start_month")] for _, values in rows(tmp_path / "201407")}
    assert months == {"7"}
    assert sum((rows(folder) for folder in tmp_path.iterdir()), Counter()) == whole


def test_spans_are_not_written_over(years, capsys):
    before = rows(years)
    assert spans.main([str(years)]) == 2
    assert "must hold no span yet, but has 2013, 2014, 2015, 2016" in capsys.readouterr().err
    assert rows(years) == before


def test_the_program_says_what_it_wrote(tmp_path, capsys):
    assert spans.main([str(tmp_path / "new"), "--by", "month"]) == 0
    assert "wrote 48 spans, 201301 to 201612" in capsys.readouterr().out
