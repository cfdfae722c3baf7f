"""The folders that a pod may write to, as the launcher in it sees them by their absolute paths."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

# One emptyDir for each scheme of a bucket, three for hidden files of a home folder, and the image's /tmp.
WRITABLE = ("/gcs", "/s3", "/minio", "/.local", "/.cache", "/.config", "/tmp")  # noqa: S108  # paths in the pod
_LINKS = 40


class PodFiles:
    """Files of a pod, which are stored below a folder of this machine."""

    def __init__(self, folder: Path, user: int) -> None:
        self._folder = folder
        self._user = user
        folder.mkdir(parents=True, exist_ok=True)
        for path in WRITABLE:
            self.make(path)
        folder.joinpath("tmp").chmod(0o1777)

    def host(self, path: str) -> Path:
        """Returns the path on this machine of a path in the pod. Links are followed as they would be in the pod."""
        left = [part for part in reversed(PurePosixPath(path).parts) if part != "/"]
        found = PurePosixPath("/")
        links = 0
        while left:
            part = left.pop()
            if part == "..":
                found = found.parent
                continue
            here = self._plain(found / part)
            if here.is_symlink() and links < _LINKS:
                links += 1
                target = PurePosixPath(here.readlink())
                found = PurePosixPath("/") if target.is_absolute() else found
                left += [each for each in reversed(target.parts) if each != "/"]
            else:
                found /= part
        return self._plain(found)

    def make(self, path: str) -> None:
        """Makes a folder and all folders above it. Raises OSError if a file is in the way."""
        made = PurePosixPath("/")
        for part in PurePosixPath(path).parts[1:]:
            made /= part
            here = self.host(str(made))
            if not here.is_dir():
                here.mkdir(mode=0o755)
                self.give(here)

    def give(self, path: Path) -> None:
        """Makes the pod's user the owner of a file. Without root, this user is the owner in any case."""
        if os.geteuid() == 0:
            os.chown(path, self._user, self._user)

    def folders(self) -> list[tuple[Path, str]]:
        """Returns the folders, and their paths in the pod."""
        return [(self._plain(PurePosixPath(path)), path) for path in WRITABLE]

    def _plain(self, path: PurePosixPath) -> Path:
        return self._folder.joinpath(*path.parts[1:])
