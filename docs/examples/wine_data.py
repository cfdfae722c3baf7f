"""Writes scikit-learn's wine data as CSV files: `python -m docs.examples.wine_data FOLDER`."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

CULTIVARS = ("barolo", "grignolino", "barbera")


def write(folder: Path) -> None:
    """Writes one file a split: of every five rows three for training, one for validation, one for testing.

    Args:
      folder: is made where it does not exist.
    """
    from sklearn.datasets import load_wine

    wine = load_wine()
    header = [*(name.replace("/", "_") for name in wine.feature_names), "cultivar"]
    rows = [
        [*map(repr, map(float, row)), CULTIVARS[kind]] for row, kind in zip(wine.data, wine.target, strict=True)
    ]
    train = [row for number, row in enumerate(rows) if number % 5 < 3]  # noqa: PLR2004
    for split, part in (("train", train), ("validation", rows[3::5]), ("test", rows[4::5])):
        (folder / split).mkdir(parents=True, exist_ok=True)
        with (folder / split / "wine.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([header, *part])


if __name__ == "__main__":
    write(Path(sys.argv[1]))
