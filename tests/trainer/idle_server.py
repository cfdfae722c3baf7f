"""A fork server that imports nothing, and the program of its forks, which waits for a signal."""

import errno
import os
import signal
import sys
import time
from pathlib import Path

from limbeck.trainer import fork_server
from limbeck.trainer.process import lifeline

# A variable with the path of a folder, and files in it. While `full` is there, the machine has no room for another
# process; with `late`, a fork does nothing before its server has died.
FAULTS = "IDLE_SERVER_FAULTS"
_fork = os.fork


def main(arguments: list[str]) -> int:
    """Says a word, and returns the code that it was given after SIGUSR1."""
    lifeline.die_with_parent()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    os.write(1, b"waits\n")
    signal.sigwait([signal.SIGUSR1])
    return int(arguments[0])


def _faulty_fork() -> int:
    faults, server = Path(os.environ[FAULTS]), os.getpid()
    if (faults / "full").exists():
        raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    child = _fork()
    while not child and (faults / "late").exists() and os.getppid() == server:
        time.sleep(0.01)
    return child


if __name__ == "__main__":
    os.fork = _faulty_fork
    fork_server.leave(fork_server.main(int(sys.argv[1]), int(sys.argv[2]), lambda: None))
