"""Ctrl-C while a verb still reads what it was given: one word, exit code 130, and nothing written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli import program


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--task", "digits", "--root", "{folder}/root", "--config", "{folder}/report.json"),
        ("check", "--task", "digits", "--config", "{folder}/report.json"),
        ("compile", "--task=digits", "--target=vertex", "--output={folder}/x", "--config={folder}/report.json"),
        ("report", "{folder}"),
        ("simulate", "{folder}/report.json"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_an_interrupt_is_a_word_and_no_traceback(tmp_path: Path, arguments: tuple[str, ...]):
    # To open a pipe waits until the other side has opened it too: then the verb is at work.
    pipe = tmp_path / "report.json"
    os.mkfifo(pipe)
    command = [sys.executable, str(program.PIPELINE), *(one.format(folder=tmp_path) for one in arguments)]
    verb = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=program.environment()
    )
    with pipe.open("wb"):
        verb.send_signal(signal.SIGINT)
        out, err = verb.communicate(timeout=60)

    assert (verb.returncode, out, err) == (130, "", "stopped\n")
    assert list(tmp_path.iterdir()) == [pipe]
