"""Brings an error of the data out of Beam as what it was.

A runner takes an exception across processes as the text of its traceback, and raises another type with all of that
as its message. So the message is put in between two marks, in letters that survive any quoting, and is
taken out again where the pipeline was started.
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
    """Inside a DoFn: marks the message of a DataError."""
    try:
        yield
    except DataError as error:
        message = base64.urlsafe_b64encode(str(error).encode(errors="replace")).decode()
        raise DataError(f"{error} <data-error:{message}>") from None


@contextlib.contextmanager
def unmarked() -> Iterator[None]:
    """Around a pipeline: raises the DataError that was marked inside of it; other errors pass."""
    try:
        yield
    except Exception as error:
        found = _MARKED.search(str(error))
        if found is None:
            raise
        raise DataError(base64.urlsafe_b64decode(found[1]).decode()) from None
