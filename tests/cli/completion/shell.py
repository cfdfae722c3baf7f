"""A shell on a terminal of its own, into which a test types."""

from __future__ import annotations

import os
import pty
import re
import signal
import time
from multiprocessing import connection
from pathlib import Path

from tests.cli import program

# Longer than any shell takes; a test that passes does not wait for it.
_SECONDS = 30
COMMANDS = {"bash": ["bash", "--norc", "--noprofile", "-i"], "zsh": ["zsh", "-f", "-i"]}
# zsh has no completion before this; bash lists what is ambiguous at the first tab.
_PREPARED = {
    "bash": "bind 'set show-all-if-ambiguous on'; bind 'set bell-style none'; bind 'set enable-bracketed-paste off'",
    "zsh": "autoload -Uz compinit; compinit -D -u; LISTMAX=1000; setopt no_beep",
}
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[=>]|\r|\x07")


class Shell:
    """A shell that has loaded a completion script."""

    def __init__(self, name: str, script: Path, folder: Path) -> None:
        """Starts it in a folder."""
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            variables = program.environment() | {"TERM": "xterm", "PS1": "> ", "HISTFILE": "/dev/null"}
            os.execvpe(COMMANDS[name][0], COMMANDS[name], variables)
        self.type(f"stty cols 200; {_PREPARED[name]}; source {script}; echo rea''dy\n")
        self.read_until("ready")

    def type(self, text: str) -> None:
        """Types a text."""
        os.write(self._terminal, text.encode())

    def read_until(self, wanted: str) -> str:
        """Returns what the shell has shown since the last call, up to and with a text. Raises AssertionError if it
        never comes."""
        seen, end = "", time.monotonic() + _SECONDS
        while wanted not in seen:
            ready = connection.wait([self._terminal], max(0.0, end - time.monotonic()))
            assert ready, f"{wanted!r} did not come: {seen!r}"
            seen = _CONTROL.sub("", seen + os.read(self._terminal, 65536).decode(errors="replace"))
        return seen

    def close(self) -> None:
        """Ends it."""
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
