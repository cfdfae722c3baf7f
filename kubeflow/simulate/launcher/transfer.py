"""Downloads of input artifacts, uploads of output artifacts."""

from __future__ import annotations

import dataclasses
import posixpath
from pathlib import PurePosixPath
from typing import Any

from limbeck.kubeflow.simulate.buckets import Buckets
from limbeck.kubeflow.simulate.launcher.command import path_of
from limbeck.kubeflow.simulate.launcher.errors import LauncherError
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.uris import Location, UriError, location


@dataclasses.dataclass(frozen=True)
class Transfer:
    """Copies files between a pod and the buckets.

    Attributes:
      files: files of the pod.
      buckets: all of them.
      home: the run's own root.
      exact: whether only objects below the URI are downloaded. Before 2.17, all objects whose keys begin with it are.
    """

    files: PodFiles
    buckets: Buckets
    home: Location
    exact: bool

    def download(self, inputs: dict[str, Any]) -> None:
        """Downloads input artifacts, given by key, to the local paths of their URIs.

        It is not an error if an artifact has no objects. The user's process then finds nothing at its path.

        Raises:
          LauncherError: if a URI is not in a bucket, or if a file is in the place of a folder.
        """
        for name, held in inputs.items():
            for artifact in held.get("artifacts", []):
                uri = artifact.get("uri", "")
                try:
                    place = self.home if uri.startswith(self.home.text) else location(uri, with_prefix=False)
                    self._download(place, place.prefix + place.key(uri), path_of(artifact))
                except (UriError, OSError) as error:
                    raise LauncherError(
                        f"failed to download input artifact {name!r} from {uri!r}: {error}"
                    ) from None

    def _download(self, place: Location, key: str, local: str) -> None:
        bucket = self.buckets.of(place)
        folder = key.rstrip("/")
        for each in bucket.keys(key):
            if self.exact and each != folder and not each.startswith(f"{folder}/"):
                continue
            target = posixpath.normpath(posixpath.join(local, posixpath.relpath(each, key)))
            self.files.make(posixpath.dirname(target))
            here = self.files.host(target)
            if here.is_dir():
                raise IsADirectoryError(f"{target} is a folder, and an object has its name")
            bucket.get(each, here)
            self.files.give(here)

    def upload(self, uri: str, path: str) -> None:
        """Uploads a file, or the files of a folder. Empty folders are lost. A missing path is not an error.

        Raises:
          LauncherError: for a URI outside the run, or a link to a folder inside a folder.
        """
        try:
            key = self.home.prefix + self.home.key(uri)
            if self.files.host(path).exists():
                self._upload(path, key)
        except UriError as error:
            raise LauncherError(str(error)) from None
        except OSError as error:
            raise LauncherError(f"{path} cannot be uploaded: {error}") from None

    def _upload(self, path: str, key: str) -> None:
        here = self.files.host(path)
        if not here.is_dir():
            self.buckets.of(self.home).put(key, here)
            return
        for each in sorted(here.iterdir()):
            below = str(PurePosixPath(path, each.name))
            if each.is_dir() and not each.is_symlink():
                self._upload(below, f"{key}/{each.name}")
            else:
                # For a link, the content of its target is uploaded.
                self.buckets.of(self.home).put(f"{key}/{each.name}", self.files.host(below))
