"""What a packed split holds, in one line that is written when it is packed.

To tell whether two processes have the same data, each would read all of them at every attempt, before the first step.
Instead the digest of the contents is written down once, by the process that packs:

  seal.json    digest: SHA-256 of names and contents of all other files; bytes: the size of each; index: SHA-256 of
               the index

A process that opens the folder holds the sizes against the files, which finds a copy that broke off; and each example
that it reads against the check sum in the index (`trainer.data.packing`), which finds other contents of equal size.
The index itself is small, and is read as a whole against the seal. So two processes with one seal train on the same
examples, or one of them ends with a message.
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
    """Seals a folder of packed examples; reads all of it once.

    Args:
      folder: holds nothing but the packed examples.
      index: name of the file in which each example has a check sum.
    """
    digest = content.digest(folder)
    sizes = {name: files.size(files.join(folder, name)) for name in files.walk(folder)}
    files.write_text(
        files.join(folder, _NAME), to_json(_Seal(digest, sizes, content.digest_of_file(files.join(folder, index))))
    )


def digest(folder: str, index: str) -> str:
    """The digest of what the folder holds, as its seal says; where it has no seal, of all its bytes.

    It reads the index, and of the other files nothing but the size.

    Raises:
      DamagedDataError: where the files are not those that were sealed.
      OSError: where one cannot be read.
    """
    if not files.exists(files.join(folder, _NAME)):
        return content.digest(folder)
    try:
        seal = from_json(_Seal, files.read_text(files.join(folder, _NAME)))
    except ConfigError as error:
        raise DamagedDataError(
            f"the seal of the packed examples in {folder} is damaged: pack them again ({error})"
        ) from None
    found = {name: files.size(files.join(folder, name)) for name in files.walk(folder) if name != _NAME}
    if found != seal.bytes:
        raise DamagedDataError(
            f"the packed examples in {folder} should be {_told(seal.bytes)}, but are {_told(found)}: copy or pack them "
            "again"
        )
    if content.digest_of_file(files.join(folder, index)) != seal.index:
        raise DamagedDataError(
            f"the index of the packed examples in {folder} is not the one that was packed: pack them again"
        )
    return seal.digest


def _told(sizes: dict[str, int]) -> str:
    return ", ".join(f"{name} ({size:,} bytes)" for name, size in sorted(sizes.items())) or "nothing"
