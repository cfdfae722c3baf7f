"""Tables that no rule was written for: odd names, gaps, columns that tell nothing, labels of each kind."""

import csv
from pathlib import Path

import numpy as np
from sklearn.datasets import make_classification

ODD_NAME = 'x, "quoted" 0'


def odd(folder: Path, classes: int, rows: int, seed: int = 0, shares: list[float] | None = None) -> Path:
    """Writes `odd.csv` with `classes` classes, and columns of all sorts besides those that tell the class.

    Args:
      folder: where it is written.
      classes: number of classes, named by integers from 1.
      rows: number of rows.
      seed: of the values.
      shares: of the classes; equal if None.
    """
    numbers = np.random.default_rng(seed)
    told, y = make_classification(
        rows, 10, n_informative=8, n_redundant=2, n_classes=classes, n_clusters_per_class=1, weights=shares,
        random_state=seed, class_sep=1.5,
    )  # fmt: skip
    header = [
        "id", *[ODD_NAME if one == 0 else f"x {one}" for one in range(10)],
        "Город", "shop", "empty", "constant", "gappy", "examples of it", "target",
    ]  # fmt: skip
    city = numbers.choice(["Rome", "New York, NY", "São Paulo", 'called "it"'], rows)
    records = [
        [
            number + 1, *told[number].round(4), city[number], int(numbers.integers(6)), "", "always",
            "" if numbers.random() < 0.2 else round(float(numbers.lognormal(sigma=2)), 3),
            ["no", "yes", ""][numbers.integers(3)], int(y[number]) + 1,
        ]
        for number in range(rows)
    ]  # fmt: skip
    return write(folder / "odd.csv", header, records)


def write(path: Path, header: list[str], records: list[list]) -> Path:
    """Writes a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *records])
    return path
