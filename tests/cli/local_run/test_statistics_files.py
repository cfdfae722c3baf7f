"""Statistics as TFDV writes them, held against pandas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tensorflow_data_validation as tfdv

from limbeck.cli.local_run import statistics_files
from limbeck.report.pages.statistics import Column, Numbers, Texts

TOWNS = ["Bonn"] * 60 + ["Ulm"] * 30 + ["x" * 50] * 9 + [None]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    numbers = np.random.default_rng(0)
    age = numbers.normal(40, 9, 100)
    age[:20] = np.nan
    return pd.DataFrame({"age": age, "count": numbers.poisson(1.0, 100), "town": TOWNS})


@pytest.fixture(scope="module")
def columns(table: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Column]:
    folder = tmp_path_factory.mktemp("statistics")
    (folder / "Split-train").mkdir()
    found = tfdv.generate_statistics_from_dataframe(table)
    (folder / "Split-train" / statistics_files.FILE).write_bytes(found.SerializeToString())
    [split] = statistics_files.read(folder, ("validation", "train"))
    assert (split.name, split.rows) == ("train", 100)
    assert [column.name for column in split.columns] == sorted(table.columns)
    return {column.name: column for column in split.columns}


def test_numbers_are_those_of_pandas(table: pd.DataFrame, columns: dict[str, Column]):
    for name in ("age", "count"):
        wanted, found = table[name], columns[name].values
        assert columns[name].missing == wanted.isna().sum()
        assert isinstance(found, Numbers)
        assert (found.minimum, found.maximum) == pytest.approx((wanted.min(), wanted.max()))
        assert (found.mean, found.deviation) == pytest.approx((wanted.mean(), wanted.std(ddof=0)))
        assert found.median == pytest.approx(wanted.median(), abs=0.5)
        assert found.zeros == (wanted == 0).sum()
        assert sum(found.bars) == pytest.approx(wanted.count())


def test_bars_are_the_histogram_of_numpy(table: pd.DataFrame, columns: dict[str, Column]):
    found = columns["age"].values
    assert isinstance(found, Numbers)
    counted, _ = np.histogram(table["age"].dropna(), bins=len(found.bars))

    # TFDV makes it of a sketch of quantiles.
    assert np.abs(np.array(found.bars) - counted).max() <= 4


def test_texts_are_those_of_pandas(columns: dict[str, Column]):
    assert columns["town"].missing == 1
    lengths = [len(town) for town in TOWNS if town]
    found = columns["town"].values
    assert isinstance(found, Texts)
    assert (found.distinct, found.common) == (3, (("Bonn", 60), ("Ulm", 30), (f"{'x' * 40}…", 9)))
    # TFDV keeps it as a float32.
    assert found.mean_length == pytest.approx(sum(lengths) / len(lengths), rel=1e-6)


def test_a_folder_without_statistics_has_no_splits(tmp_path: Path):
    assert statistics_files.read(tmp_path, ("train",)) == ()
