"""Runs a command in its own pod: other mounts, other processes, another user."""

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
    """A pod took longer than its deadline."""


@dataclasses.dataclass(frozen=True)
class Command:
    """The command of a pod.

    Attributes:
      words: the command and its arguments.
      variables: its environment, besides the image's.
      deadline: seconds after which it is killed; None for no limit.
      claims: folders of this machine that outlive the pod, and their paths in the pod.
    """

    words: list[str]
    variables: dict[str, str]
    deadline: float | None = None
    claims: Sequence[tuple[Path, str]] = ()


def run(image: Image, files: PodFiles, scratch: Path, command: Command, log: IO[bytes]) -> int:
    """Runs a command to its end. Returns its exit code. Raises DeadlineError if it takes too long.

    Args:
      image: the image of the pod.
      files: the files to which it may write.
      scratch: folder of this machine for the pod's root.
      command: the command to run.
      log: receives standard output and standard error.
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
    """Returns the words to put before a command, so that it sees only some folders of this machine.

    Args:
      root: empty folder that becomes its root.
      mounts: `--read` or `--write`, a folder of this machine, and the path at which the command sees it.
      user: flags of `jail` for the user to become; empty for root.
    """
    arguments = [str(Path(sys.executable).resolve()), "-I", jail.__file__, str(root), "--start", "/", *user]
    return [*_unshare(), *arguments, *(word for mount in mounts for word in mount), "--"]


def check() -> None:
    """Raises UserError if this machine does not allow namespaces."""
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
    # A user without root becomes the root of a user namespace.
    user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    return ["unshare", *user, "--mount", "--pid", "--fork", "--kill-child"]
