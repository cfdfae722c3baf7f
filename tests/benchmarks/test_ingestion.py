"""The benchmark of ingestion, once with few examples: every contestant reads all of them."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "ingestion" / "main.py"


@pytest.mark.release
@pytest.mark.processes
def test_all_contestants_read_everything():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--rows", "2000", "--runs", "1", "--batch-sizes", "64"],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [line.split("|")[2].strip() for line in done.stdout.splitlines() if line.startswith("| 64 |")]
    assert rows == ["ours", "naive map-parse", "batch, then parse", "records alone"]
    assert sum(line.endswith(" MB |") for line in done.stdout.splitlines()) == 2
