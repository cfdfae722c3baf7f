"""Rows of ten times the memory that a stage takes for them go through it, or they are refused with the numbers.

Beside other tests, threads of Beam and TensorFlow hold longer what they have. So memory is measured alone.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tfx.types import standard_artifacts

from limbeck.components.properties.sections import Section
from limbeck.components.teacher_labeler.executor import Executor as TeacherLabeler
from limbeck.errors import UserError
from limbeck.settings.labelling import LabellingConfig
from tests.components import rehearsal
from tests.components.world import PROPERTIES, World

ROWS = 20_000
MIB = 1 << 20
# How many times the memory that it takes, beyond that of few rows, are the rows that a stage is given.
STREAMS = {"ExampleGen": 10, "packing": 10, "epoch": 10, "TeacherLabeler": 10, "Predictor": 10}
# What TFX's own steps take is bounded by their batches of 1,000 rows, of which several are in memory.
IN_BATCHES = {"StatisticsGen": 64 * MIB, "Transform": 96 * MIB, "Evaluator": 96 * MIB}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, int]]:
    command = [sys.executable, "-m", "tests.components.larger.stages"]
    folder = tmp_path_factory.mktemp("larger")
    done = subprocess.run(
        [*command, str(folder), str(ROWS)],
        env=os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("stage", STREAMS)
def test_rows_stream_through(found: dict[str, dict[str, int]], stage: str):
    assert found[stage]["content"] > 40 * MIB
    assert found[stage]["growth"] <= found[stage]["content"] / STREAMS[stage]


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.parametrize("stage", IN_BATCHES)
def test_steps_of_tfx_hold_some_batches(found: dict[str, dict[str, int]], stage: str):
    assert found[stage]["growth"] <= IN_BATCHES[stage]


def test_labelling_by_several_workers_is_refused_if_its_rows_cannot_fit(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The local runner brings rows of equal content together, in the memory of the pipeline's process."""
    module = "limbeck.components.teacher_labeler.executor"
    monkeypatch.setattr(f"{module}.is_alone", lambda _: False)
    monkeypatch.setattr(f"{module}.content_bytes", lambda _: 1 << 40)
    labelled = rehearsal.artifact(standard_artifacts.Examples, tmp_path / "labelled")
    inputs = {"examples": world.transformed_examples, "model": world.models["teacher"]}
    with pytest.raises(
        UserError, match=r"TeacherLabeler keeps its rows in memory: for 6,291,456 MiB of rows it needs"
    ):
        rehearsal.run(
            TeacherLabeler,
            inputs,
            {"labelled_examples": labelled},
            PROPERTIES | Section(LabellingConfig).encode(LabellingConfig()),
            tmp_path,
        )
    assert not list((tmp_path / "labelled").glob("Split-*"))
