"""What a reader yields where more than the example of a row is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import tensorflow as tf


class Row(NamedTuple):
    """One row of a file.

    Attributes:
      place: file and line, or record, for messages.
      example: what the row is read into.
      values: the values of the row by column, as the file holds them: texts, bytes, numbers, dates, None, or lists of
        these. They do not depend on other rows, while the example depends on the kinds of the columns.
    """

    place: str
    example: tf.train.Example
    values: Mapping[str, Any]
