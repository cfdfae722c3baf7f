"""The tables: real ones that scikit-learn brings, and generated ones with columns of all sorts."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

LABEL = "target"


def _bundled(name: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        from sklearn import datasets

        data = getattr(datasets, f"load_{name}")()
        names = [f"column {one}" for one in range(data.data.shape[1])]
        write_table(
            path,
            [*names, LABEL],
            ([*map(float, row), label] for row, label in zip(data.data, data.target.tolist(), strict=True)),
        )

    return write


def _generated(classes: int, rows: int, shares: list[float] | None = None) -> Callable[[Path], None]:
    """Returns a writer of numbers that tell a class, among categories, gaps, an id, and columns that tell nothing."""

    def write(path: Path) -> None:
        import numpy as np
        from sklearn.datasets import make_classification

        told, y = make_classification(
            rows, 12, n_informative=9, n_redundant=3, n_classes=classes, n_clusters_per_class=1, weights=shares,
            flip_y=0.02, random_state=classes,
        )  # fmt: skip
        numbers = np.random.default_rng(classes)
        # One informative column is cut into words, and one has gaps.
        words = np.array(["low, at most", "middle", 'so-called "high"'])[np.digitize(told[:, 0], [-1, 1])]
        gaps = numbers.random(rows) < 0.2  # noqa: PLR2004
        header = [
            "id",
            *[f"column {one}" for one in range(1, 12)],
            "level, of 0",
            "shop",
            "empty",
            "constant",
            LABEL,
        ]
        write_table(
            path,
            header,
            (
                [one, "" if gaps[one] else told[one, 1], *told[one, 2:], words[one], numbers.integers(9), "", "same",
                 int(y[one])]
                for one in range(rows)
            ),
        )  # fmt: skip

    return write


def _thresholds(path: Path) -> None:
    """Writes a label that depends on two columns by steps, where trees are at home."""
    import numpy as np

    numbers = np.random.default_rng(0)
    values = numbers.random([4000, 6])
    label = (np.floor(values[:, 0] * 4) + np.floor(values[:, 1] * 4)).astype(int) % 3
    write_table(
        path,
        [*(f"column {one}" for one in range(6)), LABEL],
        ([*row, int(one)] for row, one in zip(values.tolist(), label, strict=True)),
    )


def write_table(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Writes a CSV file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


TABLES = MappingProxyType(
    {
        "wine": _bundled("wine"),
        "breast_cancer": _bundled("breast_cancer"),
        "digits": _bundled("digits"),
        "diabetes": _bundled("diabetes"),
        "two_classes": _generated(2, 4000, [0.95]),
        "ten_classes": _generated(10, 6000),
        "forty_classes": _generated(40, 8000),
        "steps": _thresholds,
    }
)
