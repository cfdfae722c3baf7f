"""A digest of what a folder holds, and not of where it is or when it was written."""

from __future__ import annotations

import hashlib

_PIECE_BYTES = 1 << 20


def digest(folder: str) -> str:
    """SHA-256, in hexadecimal, of names and contents of all files below a folder that `tf.io.gfile` can read.

    Raises:
      tensorflow.errors.OpError: where there are no files, or one cannot be read.
    """
    import tensorflow as tf

    total = hashlib.sha256()
    paths = sorted(f"{where}/{name}" for where, _, names in tf.io.gfile.walk(folder) for name in names)
    if not paths:
        raise tf.errors.NotFoundError(None, None, f"there are no files in {folder}")
    for path in paths:
        total.update(f"{path[len(folder) :].lstrip('/')}\0{tf.io.gfile.stat(path).length}\0".encode())
        with tf.io.gfile.GFile(path, "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                total.update(piece)
    return total.hexdigest()
