"""GPUs are hidden from the process that runs the pipeline, and visible again in processes that train."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from limbeck.cli.local_run.attending import environment
from limbeck.cli.local_run.run_folder import RunFolder
from limbeck.trainer.process.gpus import VISIBLE, hidden, shown


@pytest.mark.parametrize(("before", "after"), [
    ({}, {}), ({VISIBLE: "0,2"}, {VISIBLE: "0,2"}), ({VISIBLE: "-1"}, {VISIBLE: "-1"}),
    ({VISIBLE: ""}, {VISIBLE: "-1"}),
])  # fmt: skip
def test_what_was_visible_is_visible_again(before, after):
    given = {"OTHER": "1", **before}
    assert hidden(given)[VISIBLE] == "-1"
    assert shown(hidden(given)) == {"OTHER": "1", **after}
    assert shown(hidden(hidden(given))) == shown(hidden(given)), "a run that is started by a run"


def test_gpus_that_nobody_hid_stay_visible():
    assert shown({VISIBLE: "1"}) == {VISIBLE: "1"}


@pytest.mark.processes
def test_the_process_that_runs_the_pipeline_sees_no_gpu(tmp_path, monkeypatch):
    monkeypatch.setenv(VISIBLE, "0,1")
    variables = environment(RunFolder(tmp_path))
    script = "import os; print(os.environ['CUDA_VISIBLE_DEVICES'])"
    done = subprocess.run(
        [sys.executable, "-c", script], env=variables, cwd=Path(os.sep), capture_output=True, text=True, check=True
    )
    assert done.stdout == "-1\n"
