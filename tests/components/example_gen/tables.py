"""Random tables whose expected examples are known from how they were made, not from how a file is read."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import tensorflow as tf
from hypothesis import strategies as st

Features = dict[str, list[Any]]
Value = int | float | str | None

# Surrogates have no bytes, csv refuses NUL, and a byte order mark that begins a file is none of its text.
TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\x00\ufeff"), max_size=12)
ODD = st.sampled_from(['a,"b"', "line\nbreak", "\r\n", '"', ",", " ", "ß→🙂", "\u2028", "x\ry"])
INTEGERS = st.integers(-(2**63), 2**63 - 1)
FLOATS = st.floats(width=32, allow_nan=False)
# None of these can be taken for a number.
WORDS = st.builds("w{}".format, TEXT | ODD)


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns of one kind each; None is a missing value."""

    columns: dict[str, list[Value]]

    @property
    def rows(self) -> list[tuple[Value, ...]]:
        """The values row by row."""
        return list(zip(*self.columns.values(), strict=True))

    @property
    def features(self) -> list[Features]:
        """What an example of each row must hold."""
        return [
            {
                name: [feature_value(value)]
                for name, value in zip(self.columns, row, strict=True)
                if value is not None
            }
            for row in self.rows
        ]


def feature_value(value: Any) -> Any:
    """A value as a tf.Example holds it."""
    if isinstance(value, str):
        return value.encode()
    return float(np.float32(value)) if isinstance(value, float) else int(value)


@st.composite
def tables(draw: st.DrawFn, words: st.SearchStrategy[str] = WORDS) -> Table:
    """One to four columns with odd names, and up to six rows."""
    names = draw(st.lists((TEXT | ODD).filter(bool), min_size=1, max_size=4, unique=True))
    height = draw(st.integers(0, 6))
    kinds = st.sampled_from([INTEGERS, FLOATS, words])
    return Table(
        {name: draw(st.lists(st.none() | draw(kinds), min_size=height, max_size=height)) for name in names}
    )


def features_of(example: tf.train.Example) -> Features:
    """The features of an example as lists of Python values."""
    return {
        name: list(getattr(feature, feature.WhichOneof("kind")).value)
        for name, feature in example.features.feature.items()
    }
