"""Passes a user's mistake through Beam unchanged.

A runner passes an exception between processes as the text of its traceback, and raises another type with all of that
text as its message. So the kind of the error and the original message are put between two marks, in letters that
survive any quoting. The process that started the pipeline extracts them again.
"""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Iterator

from limbeck.errors import ConfigError, DataError, UserError

_KINDS: tuple[type[UserError], ...] = (DataError, ConfigError)
_BY_NAME = {kind.__name__: kind for kind in _KINDS}
_MARKED = re.compile(rf"<({'|'.join(_BY_NAME)}):([A-Za-z0-9_=-]*)>")


@contextlib.contextmanager
def marked() -> Iterator[None]:
    """Marks the message of a DataError or a ConfigError. Use it inside a DoFn."""
    try:
        yield
    except _KINDS as error:
        kind = next(kind for kind in _KINDS if isinstance(error, kind))
        message = base64.urlsafe_b64encode(str(error).encode(errors="replace")).decode()
        raise kind(f"{error} <{kind.__name__}:{message}>") from None


@contextlib.contextmanager
def unmarked() -> Iterator[None]:
    """Raises the error that was marked inside a pipeline. Use it around the pipeline. Other errors pass."""
    try:
        yield
    except Exception as error:
        found = _MARKED.search(str(error))
        if found is None:
            raise
        raise _BY_NAME[found[1]](base64.urlsafe_b64decode(found[2]).decode()) from None
