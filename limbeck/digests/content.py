"""A digest of a folder's content. It does not depend on the folder's place, or on when the files were written."""

from __future__ import annotations

import hashlib

from limbeck import files

_PIECE_BYTES = 1 << 20


def folder_digest(folder: str) -> str:
    """Returns the SHA-256, in hexadecimal, of names and contents of all files below a folder or URI.

    Raises:
      FileNotFoundError: if there are no files.
      OSError: if a file cannot be read.
    """
    total = hashlib.sha256()
    paths = files.walk(folder)
    if not paths:
        raise FileNotFoundError(f"there are no files in {folder}")
    for path in paths:
        whole = files.join(folder, path)
        total.update(f"{path}\0{files.size(whole)}\0".encode())
        with files.open_to_read(whole) as file:
            while piece := file.read(_PIECE_BYTES):
                total.update(piece)
    return total.hexdigest()


def file_digest(location: files.Location) -> str:
    """Returns the SHA-256, in hexadecimal, of the content of one file.

    Raises:
      OSError: if the file cannot be read.
    """
    total = hashlib.sha256()
    with files.open_to_read(location) as file:
        while piece := file.read(_PIECE_BYTES):
            total.update(piece)
    return total.hexdigest()
