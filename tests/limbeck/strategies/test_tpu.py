"""What the strategy `tpu` refuses before anything is trained. No TPU was at hand to train with."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limbeck import records
from limbeck.cli.main import main
from limbeck.errors import ConfigError
from limbeck.settings.config import Config
from limbeck.strategies.tpu import Tpu


def test_a_machine_without_a_tpu_is_refused_and_one_with_it_is_not(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"this machine has none .* take strategy\.name=one_device or mirrored"):
        Tpu().check_machine({}, tmp_path)
    Tpu().check_machine({"TPU_NAME": "node-1"}, tmp_path)
    (tmp_path / "accel0").touch()
    Tpu().check_machine({}, tmp_path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"strategy": {"name": "tpu", "workers": 2}}, "runs in one process"),
        ({"strategy": {"name": "tpu", "logical_devices": 2}}, "leave it out"),
        ({"strategy": {"name": "tpu", "communication": "ring"}}, "has no choice"),
        (
            {"strategy": {"name": "tpu"}, "training": {"precision": "mixed_float16"}},
            "take training.precision=mixed_b",
        ),
    ],
)
def test_what_a_tpu_has_not_is_refused(values: dict[str, dict[str, object]], message: str):
    with pytest.raises(ConfigError, match=message):
        records.from_mapping(Config, values)


@pytest.mark.skipif(any(Path("/dev").glob("accel*")), reason="this machine has a TPU")
def test_a_run_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    for name in ("TPU_NAME", "TPU_WORKER_HOSTNAMES"):
        monkeypatch.delenv(name, raising=False)
    assert main(["run", "--task", "digits", "--root", str(tmp_path / "run"), "--set", "strategy.name=tpu"]) == 2
    assert "needs a TPU" in re.sub(r"\\s+", " ", capsys.readouterr().err)
    assert not (tmp_path / "run").exists()
