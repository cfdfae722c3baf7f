"""Becomes a process in a container: `unshare --mount --pid --fork python jail.py ROOT ... -- COMMAND`.

Permission bits alone prove little: root ignores them, and another user could not even start the interpreter if it is in
a home folder. So the command gets its own root folder, which contains only what is mounted there. Only the standard
library is imported.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import sys
from pathlib import Path

# Parts of the Linux distribution: the shared libraries that the interpreter loads, and the configuration.
_SYSTEM = ("/usr", "/etc", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin")
_MEMORY = "/dev/shm"  # noqa: S108  # a path in the new root
_DEVICES = ("null", "zero", "full", "random", "urandom")
# Flags of mount(2).
_READ_ONLY, _NO_SUID, _NO_DEVICES, _NO_PROGRAMS, _REMOUNT, _BIND, _RELATIVE_TIMES = 1, 2, 4, 8, 32, 4096, 1 << 21
# Flags (by those of statvfs) that a remount must keep if another user namespace has set them.
_KEPT = {2: _NO_SUID, 4: _NO_DEVICES, 8: _NO_PROGRAMS, 1024: 1024, 2048: 2048, 4096: _RELATIVE_TIMES}


def main(arguments: list[str]) -> None:
    """Never returns: this process becomes the command, with the same environment."""
    given = _parser().parse_args(arguments)
    root = Path(given.root)
    # Mounts the folder on itself, because only a mount can be made read-only.
    _mount(root, root, flags=_BIND)
    for path in map(Path, _SYSTEM):
        if path.is_symlink():
            _inside(root, str(path)).symlink_to(path.readlink())
        elif path.is_dir():
            _bind(root, str(path), str(path), writable=False)
    for source, target in given.read:
        _bind(root, source, target, writable=False)
    for source, target in given.write:
        _bind(root, source, target, writable=True)
    _special(root)
    _close(root)
    if given.mapped is not None:
        _become(given.mapped)
    os.chroot(root)
    os.chdir(given.start)
    if given.user is not None:
        os.setgroups([])
        os.setgid(given.user)
        os.setuid(given.user)
    try:
        os.execvpe(given.command[0], given.command, dict(os.environ))  # noqa: S606  # it is what this program is for
    except OSError as error:
        sys.stderr.write(f"{given.command[0]}: {error.strerror}\n")
        sys.exit(127)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="jail.py")
    parser.add_argument("root", help="empty folder that becomes the root")
    for name in ("--read", "--write"):
        parser.add_argument(name, nargs=2, action="append", default=[], metavar=("FOLDER", "PLACE"))
    parser.add_argument("--user", type=int, help="number of the user and of the group to become")
    parser.add_argument("--mapped", type=int, help="the same without root's rights, in a user namespace")
    parser.add_argument("--start", required=True, help="working directory, as seen from inside")
    parser.add_argument("command", nargs="+")
    return parser


def _become(user: int) -> None:
    """Becomes another user in a further user namespace. In the first one, a user without root can only be root."""
    if ctypes.CDLL(None, use_errno=True).unshare(0x10000000) != 0:  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), "a second user namespace cannot be made")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} 0 1"), ("gid_map", f"{user} 0 1")):
        Path("/proc/self", name).write_text(text, encoding="ascii")


def _special(root: Path) -> None:
    """Mounts what the kernel provides: processes, devices, and shared memory."""
    _mount("proc", _made(root, "/proc"), kind="proc")
    _mount("tmpfs", _made(root, "/dev"), kind="tmpfs")
    for name in _DEVICES:
        device = root / "dev" / name
        device.touch()
        _mount(f"/dev/{name}", device, flags=_BIND)
    (root / "dev" / "fd").symlink_to("/proc/self/fd")
    _mount("tmpfs", _made(root, _MEMORY), kind="tmpfs", options="mode=1777")


def _bind(root: Path, source: str, target: str, *, writable: bool) -> None:
    place = _made(root, target)
    _mount(source, place, flags=_BIND)
    if not writable:
        _close(place)


def _made(root: Path, target: str) -> Path:
    place = _inside(root, target)
    place.mkdir(parents=True, exist_ok=True)
    return place


def _inside(root: Path, target: str) -> Path:
    return root / target.lstrip("/")


def _close(place: Path) -> None:
    """Makes a mount read-only."""
    told = os.statvfs(place).f_flag
    kept = sum(flag for name, flag in _KEPT.items() if told & name)
    _mount("none", place, flags=_REMOUNT | _BIND | _READ_ONLY | kept)


def _mount(source: str | Path, place: Path, *, kind: str = "none", flags: int = 0, options: str = "") -> None:
    # Calls the system call, because starting two dozen programs for each pod would take longer than many commands.
    words = [os.fsencode(each) for each in (source, place, kind)]
    if ctypes.CDLL(None, use_errno=True).mount(*words, flags, os.fsencode(options)) != 0:
        raise OSError(ctypes.get_errno(), f"mount: {os.strerror(ctypes.get_errno())}", str(place))


if __name__ == "__main__":
    main(sys.argv[1:])
