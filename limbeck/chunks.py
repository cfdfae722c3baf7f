"""Divides any number of items into lists."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

_Item = TypeVar("_Item")


def chunks(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    """Yields the items in lists of `size`; the last one may be shorter, and none is empty."""
    rest = iter(items)
    while chunk := list(itertools.islice(rest, size)):
        yield chunk
