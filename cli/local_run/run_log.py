"""Divides the log of a run by its nodes.

All processes of a run write to one log: TFX, Beam, and the training processes. Their lines do not name the node. But
nodes run one after the other. So the runner writes a mark before each node, and the log of a node is the part after its
mark.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator

_BEGIN, _END = "=== node ", " ==="


def mark(node: str) -> None:
    """Writes the mark of a node to the log of this process, after all that the process has printed so far."""
    sys.stdout.flush()
    # The previous line may have no line break.
    print(f"\n{_BEGIN}{node}{_END}", file=sys.stderr, flush=True)


def lines_of(log: Iterable[str], node: str) -> Iterator[str]:
    """Yields the lines of a node without its mark.

    Args:
      log: the lines of the whole log.
      node: the node's id.
    """
    return (line for at, line in _placed(log) if at == node)


def counts(log: Iterable[str]) -> Counter[str]:
    """Returns how many lines each node wrote."""
    return Counter(at for at, _ in _placed(log) if at is not None)


def _placed(log: Iterable[str]) -> Iterator[tuple[str | None, str]]:
    """Yields each line that is not a mark, with the node that wrote it; None before the first mark."""
    at: str | None = None
    for line in log:
        text = line.rstrip("\n")
        if text.startswith(_BEGIN) and text.endswith(_END):
            at = text[len(_BEGIN) : -len(_END)]
        else:
            yield at, line
