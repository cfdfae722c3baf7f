"""The tables: real ones that scikit-learn brings, and one of 26 classes that is generated, all rows labelled.

`few_labels` and `few_letters` are the opposite case: the digits and the letters again, of which the student is told 150
and 260 labels.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from limbeck.examples import SPLITS

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

# Shares of the training and the validation split; the rest is the test split.
_TRAIN, _VALIDATION = 0.6, 0.2


@dataclasses.dataclass(frozen=True)
class Table:
    """A table and the models for it.

    Attributes:
      columns: number of columns, all numbers.
      classes: number of classes.
      teacher_units: units of the teacher's hidden layer.
      student_units: units of the student's hidden layer.
      epochs: of all trainings.
      visible: labels of the training split that the student is told; None: all.
    """

    columns: int
    classes: int
    teacher_units: int
    student_units: int
    epochs: int
    visible: int | None = None


TABLES = MappingProxyType(
    {
        "letters": Table(24, 26, 256, 16, 20),
        "digits": Table(64, 10, 128, 8, 30),
        "breast_cancer": Table(30, 2, 64, 2, 40),
        "wine": Table(13, 3, 64, 2, 80),
        "few_labels": Table(64, 10, 128, 32, 60, visible=150),
        "few_letters": Table(24, 26, 256, 64, 40, visible=260),
    }
)


def rows(name: str, seed: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yields the split and the raw features of each row; another seed divides the rows in another way."""
    import numpy as np

    table = TABLES[name]
    values, labels = _load(name)
    order = np.random.default_rng(seed).permutation(len(labels))
    ends = (np.array([_TRAIN, _TRAIN + _VALIDATION]) * len(order)).astype(int)
    seen = 0
    for place, row in enumerate(order):
        split = SPLITS[int(np.searchsorted(ends, place, side="right"))]
        told = split != SPLITS[0] or table.visible is None or seen < table.visible
        seen += split == SPLITS[0]
        yield split, {"x": values[row].astype(np.float32).tolist(), "y": int(labels[row]), "told": int(told)}


def _load(name: str) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    from sklearn import datasets

    if name.endswith("letters"):
        values, labels = datasets.make_classification(
            6000, 24, n_informative=16, n_redundant=4, n_classes=26, n_clusters_per_class=1, class_sep=1.5,
            flip_y=0.01, random_state=26,
        )  # fmt: skip
    else:
        values, labels = getattr(datasets, f"load_{'digits' if name == 'few_labels' else name}")(return_X_y=True)
    return values, labels
