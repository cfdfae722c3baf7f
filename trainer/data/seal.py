"""Writes the digest of a packed split once, and checks it without reading the split.

To compare their data, two processes would have to read all data at every attempt, before the first step. Instead, the
process that packs the data writes one file:

  seal.json    digest: SHA-256 of names and contents of all other files
               bytes: the size of each of them
               index: SHA-256 of the index

A process that opens the folder compares the sizes, so it finds a copy that is not complete. It reads the small index,
and compares its digest. Each example that it reads later must have its checksum in the index
(`limbeck.trainer.data.packed`), so it notices other contents of the same size. Two processes with the same seal train
on the same examples, or one of them ends with a message.
"""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from limbeck import files
from limbeck.digests import content
from limbeck.errors import ConfigError, DamagedDataError
from limbeck.records import STRICT, from_json, to_json

_NAME = "seal.json"


@dataclass(frozen=True, config=STRICT)
class _Seal:
    digest: str
    bytes: dict[str, int]
    index: str


def write(folder: str, index: str) -> None:
    """Writes the seal of a folder of packed examples. Reads the whole folder.

    Args:
      folder: a folder that holds nothing but the packed examples.
      index: name of the file with the checksum of each example.
    """
    digest = content.folder_digest(folder)
    sizes = {name: files.size(files.join(folder, name)) for name in files.walk(folder)}
    files.write_text(
        files.join(folder, _NAME), to_json(_Seal(digest, sizes, content.file_digest(files.join(folder, index))))
    )


def sealed_digest(folder: str, index: str) -> str:
    """Returns the digest in the seal of a folder. If there is no seal, computes the digest from all files.

    Apart from the seal it reads only the index, and the sizes of the other files.

    Args:
      folder: the folder that `write` sealed, a path or URI.
      index: name of the file with the checksum of each example.

    Returns:
      64 hexadecimal digits.

    Raises:
      DamagedDataError: if the seal is damaged, or the files are not the ones that were sealed.
      OSError: if a file cannot be read.
    """
    if not files.exists(files.join(folder, _NAME)):
        return content.folder_digest(folder)
    try:
        seal = from_json(_Seal, files.read_text(files.join(folder, _NAME)))
    except ConfigError as error:
        raise DamagedDataError(
            f"the seal of the packed examples in {folder} is damaged: pack them again ({error})"
        ) from None
    found = {name: files.size(files.join(folder, name)) for name in files.walk(folder) if name != _NAME}
    if found != seal.bytes:
        raise DamagedDataError(
            f"the packed examples in {folder} should be {_told(seal.bytes, found)}, but are "
            f"{_told(found, seal.bytes)}: copy or pack them again"
        )
    if content.file_digest(files.join(folder, index)) != seal.index:
        raise DamagedDataError(
            f"the index of the packed examples in {folder} is not the one that was packed: pack them again"
        )
    return seal.digest


def _told(sizes: dict[str, int], other: dict[str, int]) -> str:
    """Returns the files of which `other` says something else."""
    differing = {name: size for name, size in sorted(sizes.items()) if other.get(name) != size}
    return ", ".join(f"{name} ({size:,} bytes)" for name, size in differing.items()) or "nothing else"
