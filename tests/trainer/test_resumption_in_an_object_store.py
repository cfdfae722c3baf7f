"""A training whose job, checkpoints and records are in an object store is killed there, and goes on bit-exactly."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from limbeck import events, files
from limbeck.rank_record import RankRecord
from limbeck.records import from_json, to_json
from limbeck.settings.checkpoint import CheckpointConfig
from limbeck.trainer.process import interpreter
from limbeck.trainer.recovery.checkpoint import folder_of, latest
from tests.object_store import Fault, hangs
from tests.trainer.world import TRAINING, weights

PROJECT = Path(__file__).parents[2]
# 43 examples in six passes, in batches of eight.
STEPS = 33
SAVE_EVERY = 5
LONGER = dataclasses.replace(TRAINING, epochs=6, steps_per_call=SAVE_EVERY)


def started(job_uri, told):
    environment = interpreter.environment(os.environ) | {events.ENVIRONMENT: str(told)}
    return subprocess.Popen(
        [sys.executable, "-m", "limbeck.trainer.worker", job_uri], cwd=PROJECT, env=environment
    )


@pytest.mark.processes
@pytest.mark.long
def test_what_is_killed_in_the_midst_of_a_save_goes_on_from_the_one_before(world, bucket, object_store, tmp_path):
    root = f"s3://{bucket}/run"
    files.copy_folder(world.folders["teacher"], f"{root}/packed")
    files.copy_folder(world.graph, f"{root}/graph")
    changes = {
        "training": LONGER,
        "examples_uri": f"{root}/packed",
        "transform_graph_uri": f"{root}/graph",
        "checkpoint": CheckpointConfig(steps=SAVE_EVERY, keep=2),
    }
    jobs = {
        name: world.job(
            tmp_path / name,
            model_uri=f"{root}/{name}/model",
            record_uri=f"{root}/{name}/record",
            **(changes | more),
        )
        for name, more in {"whole": {}, "killed": {"checkpoint_uri": f"{root}/checkpoints"}}.items()
    }
    for name, job in jobs.items():
        files.write_text(f"{root}/{name}.json", to_json(job))
    assert started(f"{root}/whole.json", tmp_path / "whole.jsonl").wait(300.0) == 0

    # The arrays of step 15 are there, and the store is asked for the manifest, which would make them count.
    in_a_save = Fault(
        lambda one: one.copies and re.search(r"/step-00000015\.json$", one.path) is not None,
        hangs(threading.Event()),
    )
    with object_store.fault(in_a_save):
        process = started(f"{root}/killed.json", tmp_path / "killed.jsonl")
        assert in_a_save.met.wait(300.0)
        process.kill()
        process.wait()
    folder = folder_of(f"{root}/checkpoints", 0)
    left = files.names(folder)
    assert [name for name in left if re.fullmatch(r"step-00000015\.\w{16}\.npz", name)]
    state = latest(folder)
    assert state is not None and state.step == 10

    assert started(f"{root}/killed.json", tmp_path / "resumed.jsonl").wait(300.0) == 0
    told = [json.loads(line) for line in (tmp_path / "resumed.jsonl").read_text().splitlines()]
    assert [one["step"] for one in told if one["event"] == "resumed"] == [10]
    for one, other in zip(weights(jobs["killed"]), weights(jobs["whole"]), strict=True):
        np.testing.assert_array_equal(one, other)
    records = [from_json(RankRecord, files.read_text(f"{root}/{name}/record/rank-0.json")) for name in jobs]
    assert [(one.steps, one.examples) for one in records] == [(STEPS, 43 * 6)] * 2
    histories = [json.loads(files.read_text(f"{root}/{name}/record/history.json")) for name in jobs]
    curves = [[(point["step"], point["loss"]) for point in one["members"][0]] for one in histories]
    assert curves[0] == curves[1] and len(curves[0]) == 7
    assert not [name for name in files.names(folder) if name.startswith(files.UNFINISHED)]
    assert [name for name in files.walk(f"{root}/killed/record") if name.startswith("tensorboard/")]
    assert list(tmp_path.glob("*/*")) == []
