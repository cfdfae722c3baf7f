"""What the strategy `horovod` refuses before anything is trained, and how its processes find each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from limbeck import records, task_code
from limbeck.cli.main import main
from limbeck.errors import ConfigError
from limbeck.settings.config import Config
from limbeck.settings.strategy import StrategyConfig
from limbeck.strategies import devices, horovod, horovod_meeting
from limbeck.strategies.horovod import Horovod


def test_there_are_two_processes_unless_the_settings_say_otherwise():
    assert StrategyConfig("horovod").processes == 2
    assert StrategyConfig("horovod", workers=5).processes == 5


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"name": "horovod", "workers": 1},
            "sums over several processes.*take 2 or more, or strategy.name=one_device",
        ),
        ({"name": "horovod", "logical_devices": 2}, "has one device in each process"),
        ({"name": "horovod", "parameter_servers": 1}, "has no parameter servers"),
        ({"name": "horovod", "communication": "nccl"}, "has no choice"),
    ],
)
def test_what_horovod_has_not_is_refused(values: dict[str, object], message: str):
    with pytest.raises(ConfigError, match=message):
        records.from_mapping(Config, {"strategy": values})


def test_a_machine_without_it_is_refused_with_the_remedy(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"is not installed here: run `make install-horovod`"):
        Horovod().check_machine({}, [])
    with pytest.raises(ConfigError, match=r"without its part for TensorFlow here: run `make install-horovod`"):
        Horovod().check_machine({}, [tmp_path])
    (tmp_path / "tensorflow").mkdir()
    (tmp_path / "tensorflow" / "mpi_lib.cpython-310-x86_64-linux-gnu.so").touch()
    Horovod().check_machine({}, [tmp_path])


def test_a_run_without_it_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(horovod, "PACKAGE", "horovod_that_nobody_has")
    order = ["run", "--task", "digits", "--root", str(tmp_path / "run"), "--set", "strategy.name=horovod"]
    assert main(order) == 2
    assert "run `make install-horovod`" in re.sub(r"\s+", " ", capsys.readouterr().err)
    assert not (tmp_path / "run").exists()


def test_a_process_that_sees_several_gpus_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(horovod, "_has_extension", lambda _: True)
    monkeypatch.setattr(devices, "gpu_count", lambda: 4)
    with pytest.raises(ConfigError, match=r"this one sees 4 GPUs: set strategy.workers to the number of GPUs"):
        Horovod().build(StrategyConfig("horovod"))


def test_each_process_is_told_its_place_and_where_the_chief_is():
    made = [horovod_meeting.variables(rank, 3, "chief.example:4321", "eth7") for rank in range(3)]
    assert [one["HOROVOD_RANK"] for one in made] == ["0", "1", "2"]
    # What differs from process to process, and nothing else: each counts as a machine of its own.
    assert {name for name in made[0] if len({one[name] for one in made}) > 1} == {
        "HOROVOD_RANK",
        "HOROVOD_CROSS_RANK",
        "HOROVOD_HOSTNAME",
    }
    assert {name: made[1][f"HOROVOD_{name}"] for name in ("SIZE", "CROSS_SIZE", "LOCAL_SIZE", "LOCAL_RANK")} == {
        "SIZE": "3", "CROSS_SIZE": "3", "LOCAL_SIZE": "1", "LOCAL_RANK": "0",
    }  # fmt: skip
    assert made[2]["HOROVOD_GLOO_RENDEZVOUS_ADDR"] == "chief.example"
    assert made[2]["HOROVOD_GLOO_RENDEZVOUS_PORT"] == "4321"
    assert made[2]["HOROVOD_GLOO_IFACE"] == "eth7"
    assert "HOROVOD_GLOO_IFACE" not in horovod_meeting.variables(0, 2, "chief:1", None)


def test_sums_never_travel_together():
    """Which ones do depends on timing, and with three processes the last bit depends on it."""
    assert horovod_meeting.variables(0, 2, "chief:1", None)["HOROVOD_FUSION_THRESHOLD"] == "0"


def test_the_interface_is_the_only_one_with_the_address():
    held = {"lo": ["127.0.0.1", "::1"], "eth0": ["10.0.0.4"], "alias0": ["10.0.0.9"], "alias1": ["10.0.0.9"]}
    assert horovod_meeting.interface_with("10.0.0.4", held) == "eth0"
    assert horovod_meeting.interface_with("10.0.0.9", held) is None
    assert horovod_meeting.interface_with("10.0.0.5", held) is None


def test_processes_of_one_machine_meet_on_its_loopback():
    found = horovod_meeting.interface_to("127.0.0.1:9")
    assert found is not None and found.startswith("lo")


def test_a_lost_peer_may_be_there_in_the_next_attempt():
    said = "Graph execution error: Horovod has been shut down. This was caused by an exception on one of the ranks"
    assert task_code.may_pass(RuntimeError(said))
    assert not task_code.may_pass(RuntimeError("Horovod has no operation for this"))
