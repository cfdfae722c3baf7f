"""One page of an object store's listing: by prefix, with rolled-up folders, a thousand names at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

MAXIMUM = 1000


@dataclasses.dataclass(frozen=True)
class Page:
    """A page: keys of objects, rolled-up prefixes, and the token of the next page, empty at the last."""

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    token: str


def page(keys: Iterable[str], *, prefix: str, delimiter: str, token: str, maximum: int = MAXIMUM) -> Page:
    """Returns a page.

    Args:
      keys: keys of all objects of the bucket, sorted.
      prefix: prefix of the requested keys.
      delimiter: if the rest of a key contains it, the key is cut off after it, and listed as a rolled-up prefix; empty
        for no delimiter.
      token: token of the previous page: its last entry.
      maximum: largest number of entries, at most `MAXIMUM`.
    """
    entries: dict[str, bool] = {}
    for key in keys:
        if key.startswith(prefix):
            head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
            entries[prefix + head + found if found else key] = bool(found)
    left = [entry for entry in entries if not token or entry.encode() > token.encode()]
    maximum = max(1, min(maximum, MAXIMUM))
    shown = left[:maximum]
    return Page(
        keys=tuple(entry for entry in shown if not entries[entry]),
        prefixes=tuple(entry for entry in shown if entries[entry]),
        token=shown[-1] if len(left) > maximum else "",
    )
