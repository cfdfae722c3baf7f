"""Starts the processes of `pushing` and `reading`."""

import subprocess
import sys
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[3]
Process = subprocess.Popen[str]


def start(module: str, *arguments: Any) -> Process:
    """Starts a module of this folder, with pipes to all its streams."""
    return subprocess.Popen(
        [sys.executable, "-m", f"tests.components.pusher.{module}", *map(str, arguments)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(module: str, *arguments: Any) -> subprocess.CompletedProcess[str]:
    """Runs it to its end, telling it to begin at once."""
    process = start(module, *arguments)
    out, err = process.communicate("begin\n", timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def tell(process: Process) -> None:
    """Sends a line."""
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def line(process: Process) -> str:
    """Waits for a line. Raises where the process ended instead, with what it said."""
    assert process.stdout is not None and process.stderr is not None
    text = process.stdout.readline()
    assert text, process.stderr.read()
    return text.strip()
