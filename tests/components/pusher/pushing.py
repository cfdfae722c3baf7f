"""A process that pushes: `python -m tests.components.pusher.pushing SERVING MODEL... [OPTION]`.

Waits for a line on standard input, does `push` for each model, and prints what it returned. Python announces what
touches a file before it happens; by that

  --kill-at N       it ends by SIGKILL just before the N-th announcement
  --wait-at N       it prints `waiting` there, and waits for another line
  --count           it prints, at last, how many there were
  --intrude         another writer takes each version just before it is published
  --limit BYTES     no file may grow larger
"""

import argparse
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from limbeck.components.pusher import push

_TOUCHING = ("open", "os.", "shutil.", "fcntl.")


class Observer:
    """Counts announcements, and acts on one."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.seen = options, 0

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not event.startswith(_TOUCHING):
            return
        self.seen += 1
        if self.seen == self.options.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.seen == self.options.wait_at:
            say("waiting")
            sys.stdin.readline()
        if event == "os.rename" and self.options.intrude:
            theirs = Path(arguments[1])
            self.options.intrude = False
            theirs.mkdir()
            (theirs / "theirs").touch()


def say(what: object) -> None:
    """Prints a line at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main() -> None:
    """Does what the arguments say."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target", type=Path)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--kill-at", type=int)
    parser.add_argument("--wait-at", type=int)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--intrude", action="store_true")
    options = parser.parse_args()
    sys.stdin.readline()
    if options.limit:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options.limit, options.limit))
    observer = Observer(options)
    sys.addaudithook(observer)
    for model in options.models:
        say(push.push(model, options.target))
    if options.count:
        say(observer.seen)


if __name__ == "__main__":
    main()
