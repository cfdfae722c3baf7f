"""Runs a command in a pod of its own: other mounts, other processes, another user."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from limbeck.errors import UserError
from limbeck.kubeflow.simulate.pod import jail
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.image import Image

USER = 1000


class DeadlineError(Exception):
    """A pod that took longer than it may."""


@dataclasses.dataclass(frozen=True)
class Command:
    """What a pod runs.

    Attributes:
      words: the command and its arguments.
      variables: its environment, besides the image's.
      deadline: seconds after which it is killed; None for no bound.
      claims: folders of this machine that outlive the pod, and where it sees them.
    """

    words: list[str]
    variables: dict[str, str]
    deadline: float | None = None
    claims: Sequence[tuple[Path, str]] = ()


def run(image: Image, files: PodFiles, scratch: Path, command: Command, log: IO[bytes]) -> int:
    """Runs a command to its end; returns its exit code, or raises DeadlineError.

    Args:
      image: what the pod sees besides its own files.
      files: what it may write to.
      scratch: folder of this machine for the pod's root.
      command: what to run.
      log: where both of its streams go.
    """
    root = scratch / "root"
    root.mkdir()
    mounts = [("--read", str(folder), place) for folder, place in image.mounts]
    mounts += [("--write", str(folder), place) for folder, place in (*files.folders(), *command.claims)]
    user = ["--user", str(USER)] if os.geteuid() == 0 else ["--mapped", str(USER)]
    process = subprocess.Popen(
        [*jailed(root, mounts, user), *command.words],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        env=image.variables | command.variables,
    )
    try:
        return process.wait(command.deadline)
    except subprocess.TimeoutExpired:
        raise DeadlineError from None
    finally:
        process.kill()
        process.wait()


def jailed(root: Path, mounts: Sequence[tuple[str, str, str]], user: Sequence[str] = ()) -> list[str]:
    """The words before a command that is to see nothing of this machine but some folders.

    Args:
      root: empty folder that becomes its root.
      mounts: `--read` or `--write`, a folder of this machine, and where the command sees it.
      user: flags of `jail` for whom to become; none for root.
    """
    arguments = [str(Path(sys.executable).resolve()), "-I", jail.__file__, str(root), "--start", "/", *user]
    return [*_unshare(), *arguments, *(word for mount in mounts for word in mount), "--"]


def check() -> None:
    """Raises UserError where this machine lets nobody make namespaces."""
    try:
        done = subprocess.run(
            [*_unshare(), "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, text=True, check=False
        )
        refusal = (done.stderr.strip() or f"unshare ended with {done.returncode}") if done.returncode else ""
    except OSError as error:
        refusal = str(error)
    if refusal:
        raise UserError(
            "simulate runs each step in a namespace of the kernel, and this machine does not allow that "
            f"({refusal}): run it as root, or allow user namespaces"
        )


def _unshare() -> list[str]:
    # Whoever is not root becomes the root of a user namespace.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child"]
