"""Finds the data files that a module reads, from its source.

A task may read a vocabulary, a list of stop words or a table of factors. An edit of such a file changes the result, but
no source code. The files that a program opens are known only when it runs: minutes later, and in another process. But
nearly always the name of the file is a string in the source, used with `__file__` or as a whole path. So each string
that names an existing file counts as that file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

# No file system has longer names.
_LONGEST = 255
_MOST_FOLDERS = 64


def data_files(folders: Iterable[Path], texts: Iterable[str]) -> dict[str, Path]:
    """Finds the files that texts name.

    Args:
      folders: folders that relative names start from: the module's folder, the working directory.
      texts: string literals of the source: names of files or folders, parts of a path, or patterns such as `*.json`.

    Returns:
      The files by their path below one of `folders`, or by their absolute path. If a text names a folder, the files
      directly in it are included. Python sources are left out: they are followed as code.
    """
    names = sorted({text for text in texts if _may_be_a_path(text)})
    found: dict[str, Path] = {}
    bases = [(folder, "") for folder in dict.fromkeys(folders)]
    # The list grows while it is read: a text may be the first part of a path, and another text the second.
    for base, prefix in bases:
        for name in names:
            for path in _named(base, name):
                key = str(path) if Path(name).is_absolute() else f"{prefix}{path.relative_to(base)}"
                if path.is_file():
                    found.setdefault(key, path)
                elif path.is_dir() and path not in [known for known, _ in bases] and len(bases) < _MOST_FOLDERS:
                    bases.append((path, f"{key}/"))
                    found |= {f"{key}/{file.name}": file for file in path.iterdir() if file.is_file()}
    return {key: path for key, path in sorted(found.items()) if path.suffix not in (".py", ".pyc")}


def _may_be_a_path(text: str) -> bool:
    legal = 0 < len(text) <= _LONGEST and text.isprintable()
    return legal and not set(Path(text).parts) <= {"/", ".", ".."} and "**" not in text


def _named(base: Path, name: str) -> list[Path]:
    try:
        if any(letter in name for letter in "*?[") and not Path(name).is_absolute():
            return sorted(path for path in base.glob(name) if path.is_file())
        path = base / name
        return [path] if path.exists() else []
    except (OSError, ValueError, NotImplementedError):
        return []
