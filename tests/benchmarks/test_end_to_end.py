"""What the benchmark of whole runs measures of a program."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.end_to_end.main import measure

# Its child uses half a second of processor time, and 60 MiB.
PROGRAM = """
import subprocess, sys
child = '''
import time
held = b"x" * (60 << 20)
while time.process_time() < 0.5:
    pass
'''
subprocess.run([sys.executable, "-c", child], check=True)
sys.exit(int(sys.argv[1]))
"""


@pytest.mark.parametrize("code", ["0", "3"])
def test_time_and_memory_are_those_of_all_processes(code: str, tmp_path: Path):
    run = measure([sys.executable, "-c", PROGRAM, code], tmp_path / "output.txt")
    assert run.processor >= 0.5
    assert run.wall >= 0.5
    assert run.memory >= 60


def test_a_program_that_fails_ends_the_benchmark_with_what_it_said(tmp_path: Path):
    with pytest.raises(SystemExit, match=r"ended with 5:\nno such trip"):
        measure([sys.executable, "-c", "print('no such trip'); raise SystemExit(5)"], tmp_path / "output.txt")
