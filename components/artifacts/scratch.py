"""A folder of this machine for what an executor needs only while it runs."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from limbeck import files


@contextlib.contextmanager
def local_folder(scratch: str) -> Iterator[Path]:
    """A local folder for what cannot be written to a URI, such as memory maps and the files of another program.

    Args:
      scratch: what TFX hands an executor: beside the artifacts, and so remote where these are. A local one is used as
        it is, for it lies on a disk with room for data; for a remote one a folder is made, and removed in the end.
    """
    if files.is_local(scratch):
        folder = Path(files.local_copy(scratch))
        folder.mkdir(parents=True, exist_ok=True)
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="limbeck-scratch-") as made:
        yield Path(made)
