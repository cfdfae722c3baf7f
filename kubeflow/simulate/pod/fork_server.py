"""Pods whose interpreter has imported TFX already: forks of one process, each in namespaces of its own.

A step of a TFX pipeline imports TensorFlow, TFX and Beam before it does anything, which takes longer than most steps
of a small pipeline do. So one process, in a pod without a user, imports these packages once, and forks:

    simulate --socket-- server --fork-- keeper --fork-- first process of the pod: `python -m MODULE ...`

The server sees the folders of all pods below one place. The first process of a pod mounts its own over the places at
which a pod has them, gives up that place, and becomes the pod's user. Mounts and processes are its own, as they are
of a pod that `jail` makes. None of this project's packages is imported before the fork.

It runs in the image: `python -m limbeck.kubeflow.simulate.pod.fork_server SOCKET MODULE ...`.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

# The path at which the server sees the folders of all pods.
PODS = "/.pods"
_NAMESPACES = 0x00020000 | 0x20000000  # CLONE_NEWNS, CLONE_NEWPID
_BIND, _PRIVATE, _DETACH = 4096, 16384 | 1 << 18, 2  # MS_BIND, MS_REC | MS_PRIVATE, MNT_DETACH
_READ_ONLY, _REMOUNT = 1, 32  # MS_RDONLY, MS_REMOUNT
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


@dataclasses.dataclass(frozen=True)
class Pod:
    """The program and the surroundings of a fork.

    Attributes:
      module: run as `__main__`.
      arguments: arguments of the program.
      variables: its whole environment.
      mounts: paths of folders in the server, and their paths in the pod.
      user: id of its user and of its group.
      deadline: seconds after which it is killed; None for no limit.
    """

    module: str
    arguments: list[str]
    variables: dict[str, str]
    mounts: list[tuple[str, str]]
    user: int
    deadline: float | None


def serve(connection: socket.socket, packages: Sequence[str]) -> None:
    """Imports packages, and then runs one pod after another, until the other end of the socket is closed.

    Each request is one byte with the file of the log, and a line of JSON with a `Pod`. Each answer is a line: the exit
    code, or `deadline`.
    """
    # As `limbeck.importing` does, which must not be imported before the fork.
    gc.disable()
    for name in packages:
        importlib.import_module(name)
    gc.freeze()
    gc.enable()
    with connection, connection.makefile("rb") as lines:
        while True:
            first, logs, _, _ = socket.recv_fds(connection, 1, 1)
            if not first:
                return
            pod = Pod(**json.loads(lines.readline()))
            code = _run(pod, logs[0])
            os.close(logs[0])
            connection.sendall(f"{'deadline' if code is None else code}\n".encode())


def _run(pod: Pod, log: int) -> int | None:
    """Runs a pod. Returns its exit code; None if it was killed after its deadline."""
    keeper = os.fork()
    if keeper == 0:
        _keep(pod, log)
    handle = os.pidfd_open(keeper)
    try:
        ended, _, _ = select.select([handle], [], [], pod.deadline)
        if not ended:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
        status = os.waitid(os.P_PIDFD, handle, os.WEXITED)
    finally:
        os.close(handle)
    return status.si_status if ended and status else None


def _keep(pod: Pod, log: int) -> NoReturn:
    """Makes the namespaces, and waits for a child: a process never enters the PID namespace that it makes."""
    code = 1
    try:
        _check(_libc().prctl(_DIE_WITH_PARENT, signal.SIGKILL), "prctl")
        _check(_libc().unshare(_NAMESPACES), "unshare")
        first = os.fork()
        if first == 0:
            _become(pod, log)
        _, status = os.waitpid(first, 0)
        code = os.waitstatus_to_exitcode(status)
        code = 128 - code if code < 0 else code
    except BaseException:
        os.dup2(log, 2)
        traceback.print_exc()
    finally:
        os._exit(code)


def _become(pod: Pod, log: int) -> NoReturn:
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        _enter(pod)
        code = _main(pod)
    except BaseException:
        # No exception may reach the frames of the server, whose copies are further up the stack.
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _enter(pod: Pod) -> None:
    """Mounts the pod's own folders, and becomes its user."""
    _mount("none", "/", flags=_PRIVATE)
    for folder, place in pod.mounts:
        if not os.path.isdir(place):  # noqa: PTH112  # nothing more is imported for one call
            _make(place)
        _mount(folder, place, flags=_BIND)
    _mount("proc", "/proc", kind="proc")
    _mount("tmpfs", "/dev/shm", kind="tmpfs", options="mode=1777")  # noqa: S108  # a path in the pod
    _check(_libc().umount2(os.fsencode(PODS), _DETACH), "umount")
    os.setgroups([])
    os.setgid(pod.user)
    os.setuid(pod.user)
    # Set after the change of the user, which would undo it.
    _check(_libc().prctl(_DIE_WITH_PARENT, signal.SIGKILL), "prctl")
    os.environ.clear()
    os.environ.update(pod.variables)
    os.chdir("/")


def _make(place: str) -> None:
    """Makes a folder in the root, which is made writable for this moment, only in this namespace."""
    _mount("none", "/", flags=_REMOUNT | _BIND)
    os.makedirs(place)  # noqa: PTH103
    _mount("none", "/", flags=_REMOUNT | _BIND | _READ_ONLY)


def _main(pod: Pod) -> int:
    sys.argv = [pod.module, *pod.arguments]
    try:
        runpy.run_module(pod.module, run_name="__main__", alter_sys=True)
    except SystemExit as stop:
        if isinstance(stop.code, str):
            sys.stderr.write(f"{stop.code}\n")
            return 1
        return stop.code or 0
    return 0


def _mount(source: str, place: str, *, kind: str = "none", flags: int = 0, options: str = "") -> None:
    words = [os.fsencode(each) for each in (source, place, kind)]
    _check(_libc().mount(*words, flags, os.fsencode(options)), f"mount on {place}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
