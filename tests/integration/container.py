"""Runs Python as a container would, where nothing that could start one is installed: in namespaces of the kernel.

A process in it is another user, has a root folder of its own and starts in an empty directory. It finds the system's
libraries, the interpreter, its packages and the components' source, all read-only and under other paths than here,
the folders that it is given, and nothing else of this machine; nor does it inherit a variable. It has the network, as
it would have in a pod.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from limbeck.kubeflow.simulate.pod import jail
from limbeck.kubeflow.simulate.pod.image import ignoring
from tests.integration.runs import PROJECT

ENVIRONMENT, SOURCE = "/opt/environment", "/opt/limbeck"
START, HOME, TEMPORARY = "/start", "/home/somebody", "/tmp"
# Nobody, on every Linux.
USER = 65534
# What components may import: neither the pipeline nor the command line goes into a container.
LEFT_OUT = ("kubeflow", "cli", "pipeline.py")
_TIMEOUT_SECONDS = 600


@dataclasses.dataclass(frozen=True)
class Mount:
    """A folder of this machine, and where a container sees it."""

    folder: Path
    place: str
    writable: bool = False


@dataclasses.dataclass(frozen=True)
class Ended:
    """A container that has ended.

    Attributes:
      code: exit code.
      output: what it wrote to both of its streams.
      litter: what it left in its working directory. Libraries may keep things in its home.
    """

    code: int
    output: str
    litter: list[str]


class Container:
    """One image, from which any number of containers are started."""

    def __init__(self, scratch: Path) -> None:
        """Copies the project's packages to `scratch`, and makes a virtual environment there that leads to ours."""
        source, virtual = scratch / "source", scratch / "environment"
        package = PROJECT / "limbeck"
        shutil.copytree(package, source / "limbeck", ignore=ignoring(LEFT_OUT, package))
        share(source)
        interpreter, packages = Path(sys.executable).resolve(), Path(sysconfig.get_path("purelib"))
        below = packages.relative_to(sys.prefix)
        (virtual / "bin").mkdir(parents=True)
        (virtual / "bin" / "python").symlink_to(interpreter)
        (virtual / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n", encoding="utf-8")
        (virtual / below).mkdir(parents=True)
        share(virtual)
        installation = interpreter.parents[1]
        self._mounts = (
            # Where it was built to be, as it looks for its libraries there.
            Mount(installation, str(installation)),
            Mount(virtual, ENVIRONMENT),
            Mount(packages, f"{ENVIRONMENT}/{below}"),
            Mount(source, SOURCE),
        )

    def run(
        self, scratch: Path, arguments: list[str], *mounts: Mount, environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Runs `python ARGUMENTS` to its end.

        Args:
          scratch: folder of this machine, yet to be made, for what the container needs besides.
          arguments: of the interpreter.
          mounts: folders besides those of the image.
          environment: variables besides those of the image.
        """
        own = [Mount(scratch / Path(place).name, place, writable=True) for place in (START, HOME, TEMPORARY)]
        (scratch / "root").mkdir(parents=True)
        for mount in own:
            mount.folder.mkdir()
        for mount in (*own, *mounts):
            if mount.writable:
                give_away(mount.folder)
        command = [f"{ENVIRONMENT}/bin/python", *arguments]
        done = subprocess.run(
            [*_unshare(), *_jail(scratch / "root", [*self._mounts, *own, *mounts]), "--", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env={"PATH": "/usr/bin:/bin", "HOME": HOME, "PYTHONPATH": SOURCE, "TF_USE_LEGACY_KERAS": "1"}
            | dict(environment or {}),
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        litter = [str(path.relative_to(scratch)) for path in own[0].folder.rglob("*")]
        return Ended(done.returncode, done.stdout, litter)


def share(folder: Path) -> None:
    """Lets everybody read a folder, and nobody write to it, as in an image."""
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o555 if path.is_dir() else 0o444)


def give_away(folder: Path) -> None:
    """Makes the user of a container the owner of a folder; without root it is this user's in any case."""
    if os.geteuid() == 0:
        for path in (folder, *folder.rglob("*")):
            os.chown(path, USER, USER)


def refusal() -> str | None:
    """Why no container can be started here; None where one can."""
    try:
        done = subprocess.run(
            [*_unshare(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
        )
    except OSError as error:
        return str(error)
    return done.stderr if done.returncode else None


def _unshare() -> list[str]:
    # Whoever is not root becomes the root of a user namespace, where there is no second user to become.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child"]


def _jail(root: Path, mounts: list[Mount]) -> list[str]:
    arguments = [str(Path(sys.executable).resolve()), "-I", jail.__file__, str(root), "--start", START]
    for mount in mounts:
        arguments += ["--write" if mount.writable else "--read", str(mount.folder), mount.place]
    return arguments + (["--user", str(USER)] if os.geteuid() == 0 else [])
