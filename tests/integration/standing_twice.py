"""Starts `standing` as a fork and as a new interpreter, with open files and handlers: `... standing_twice FOLDER`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.integration import forks
from tests.integration.forks import Program

MODULE = "tests.integration.standing"


def main(folder: Path) -> int:
    """Returns the exit code that both have; leaves `fork.json` and `program.json` in the folder."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    variables = {**os.environ, "WHOSE": "the program's"}
    with (folder / "held.txt").open("w"), (folder / "program.txt").open("ab") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(folder / "program.json"), "7"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=folder,
            start_new_session=True,
        )
        described = Program(MODULE, [str(folder / "fork.json"), "7"], str(folder), str(folder / "fork.txt"))
        fork = forks.start(described, variables, new_session=True)
        codes = {program.wait(), fork.wait(60)}
    return codes.pop() if len(codes) == 1 else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
