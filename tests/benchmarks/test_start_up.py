"""The benchmark of the start of a step: how it sums up, and once all of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.start_up.processes import by_package

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "start_up" / "main.py"


def test_imports_are_summed_by_package():
    text = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:   1000000 |    1500000 | tensorflow\n"
        "a warning in between\n"
        "import time:    500000 |     500000 |   tensorflow.python\n"
        "import time:   2000000 |    2000000 | google.cloud.storage\n"
        "import time:    250000 |     250000 |     google.protobuf\n"
    )
    assert list(by_package(text).items()) == [
        ("google.cloud", 2.0),
        ("tensorflow", 1.5),
        ("google.protobuf", 0.25),
    ]


@pytest.mark.release
@pytest.mark.processes
def test_both_entrypoints_reach_an_executor():
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--runs", "1", "--components", "Gate"],
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    [cells] = re.findall(r"^\| Gate \| (.*) \|$", done.stdout, re.MULTILINE)
    stock, ours, ratio, *_ = map(float, cells.split(" | "))
    # How long it takes depends on the machine; that both were measured does not.
    assert stock > 0 and ours > 0 and ratio > 0
