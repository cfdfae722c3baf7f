"""Brings a DataError out of Beam unchanged.

A runner passes an exception between processes as the text of its traceback, and raises another type with all of that
text as its message. So the original message is put between two marks, in letters that survive any quoting. The process
that started the pipeline takes it out again.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator

from limbeck.errors import DataError

_MARKED = re.compile(r"<data-error:([A-Za-z0-9_=-]*)>")


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Marks the message of a DataError. Use it inside a DoFn."""
    try:
        yield
    except DataError as error:
        message = base64.urlsafe_b64encode(str(error).encode(errors="replace")).decode()
        raise DataError(f"{error} <data-error:{message}>") from None


@contextlib.contextmanager
def unmarked() -> Iterator[None]:
    """Raises the DataError that was marked inside a pipeline. Use it around the pipeline. Other errors pass."""
    try:
        yield
    except Exception as error:
        found = _MARKED.search(str(error))
        if found is None:
            raise
        raise DataError(base64.urlsafe_b64decode(found[1]).decode()) from None
