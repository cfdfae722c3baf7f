"""How `check` tells the nodes of a run to do only a small part of their work.

A check with its own code for reading and training would miss mistakes that the real nodes find. So the real nodes run,
and an environment variable tells them to read some rows and to take a few steps. The variable is neither a setting nor
an execution property: only a check may set it, and a check has its own cache. A run removes the variable before it
begins.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from pydantic.dataclasses import dataclass

from limbeck.records import STRICT, from_json, to_json
from limbeck.settings.fields import Positive

ENVIRONMENT = "LIMBECK_TRIAL"
_Item = TypeVar("_Item")
# The rows of a sample come from so many times as many rows at the start of a file: files are often sorted.
_REACH = 10
_MOST_FILES = 20
_FEWEST_ROWS = 20


@dataclass(frozen=True, config=STRICT)
class Trial:
    """The part of the work.

    Attributes:
      rows: rows that are read of the files of one split together.
      steps: optimizer steps of each training.
    """

    rows: Positive
    steps: Positive

    def environment(self) -> dict[str, str]:
        """Returns the environment variable that `read` understands."""
        return {ENVIRONMENT: to_json(self)}

    def files(self, paths: Sequence[str]) -> list[str]:
        """Returns the files that are read: all, or some that are spread evenly among them."""
        return _evenly(paths, _MOST_FILES)

    def rows_of_file(self, files: int) -> int:
        """Returns how many rows are read of each of so many files."""
        return max(_FEWEST_ROWS, self.rows // files)


def read(environment: Mapping[str, str]) -> Trial | None:
    """Returns the trial of this process; None if it does all of its work."""
    text = environment.get(ENVIRONMENT)
    return None if text is None else from_json(Trial, text)


def sampled(items: Iterable[_Item], count: int | None) -> Iterable[_Item]:
    """Returns items that are spread evenly over the start of an iterable; all items if `count` is None.

    Args:
      items: the items, of which at most ten times `count` are read.
      count: how many are wanted.
    """
    if count is None:
        return items
    return _evenly(list(itertools.islice(items, count * _REACH)), count)


def _evenly(items: Sequence[_Item], count: int) -> list[_Item]:
    return [items[index * len(items) // count] for index in range(count)] if len(items) > count else list(items)
