"""The replacement of a step's image: this machine's system, this interpreter's environment, this project's code.

No image is pulled, and the name of the image is not used. All files are read-only, and readable by any user, as they
would be in an image.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable, Collection
from pathlib import Path

ENVIRONMENT, SOURCE = "/opt/environment", "/opt/limbeck"
_PACKAGE = Path(__file__).parents[3]
_LEFT_OUT = ("cli", "server", "pipeline.py", "student_half.py")


@dataclasses.dataclass(frozen=True)
class Image:
    """Folders that every pod sees.

    Attributes:
      mounts: folders of this machine, and their paths in a pod.
      variables: environment of the image.
    """

    mounts: tuple[tuple[Path, str], ...]
    variables: dict[str, str]


def build(scratch: Path) -> Image:
    """Copies the package to `scratch`, and finds the interpreter."""
    source = scratch / "image"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(_PACKAGE, source / _PACKAGE.name, ignore=ignoring(_LEFT_OUT, _PACKAGE))
    for path in (source, *source.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    base = Path(sys.base_prefix).resolve()
    mounts = [(source, SOURCE)]
    program = base
    if Path(sys.prefix).resolve() != base:
        mounts.append((Path(sys.prefix).resolve(), ENVIRONMENT))
        program = Path(ENVIRONMENT)
    if base.parts[1] not in ("usr", "bin", "lib"):
        # Mounted at the path for which the interpreter was built, because it looks for its libraries there.
        mounts.append((base, str(base)))
    variables = {
        "PATH": f"{program}/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/",
        "LANG": "C.UTF-8",
        "PYTHONPATH": SOURCE,
        "TF_USE_LEGACY_KERAS": "1",
    }
    return Image(tuple(mounts), variables)


def ignoring(left_out: Collection[str], top: Path) -> Callable[[str, list[str]], set[str]]:
    """Returns the `ignore` of `shutil.copytree` that leaves out these names at the top, and caches everywhere.

    Further down, a module may have the same name as one that is left out.
    """

    def ignored(folder: str, names: list[str]) -> set[str]:
        return {"__pycache__", *(left_out if Path(folder) == top else ())} & set(names)

    return ignored
