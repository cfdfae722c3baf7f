"""A folder on this machine for files that an executor needs only while it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from limbeck import files, temporary


@contextlib.contextmanager
def local_folder(scratch: str) -> Iterator[Path]:
    """Yields a local folder, for files that cannot be at a URI, such as memory maps and files of another program.

    Args:
      scratch: the temporary folder that TFX gives an executor. It is beside the artifacts, and remote if they are. A
        local one is used directly: its disk has room for data. For a remote one, a local folder is made, and removed at
        the end.
    """
    if files.is_local(scratch):
        folder = Path(files.local_copy(scratch))
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with temporary.folder() as made:
        yield made
