"""Which rank is shown which GPU. No GPU is needed: what a process sees is a variable."""

import json

import pytest

from limbeck.errors import ConfigError
from limbeck.launchers.local import gpus
from limbeck.launchers.local.gpus import environments, shares, visible
from limbeck.trainer.process.gpus import KEPT, VISIBLE, hidden
from tests.launchers import jobs


@pytest.mark.parametrize(("found", "ranks", "expected"), [
    ((), 1, ((),)),
    ((), 3, ((), (), ())),
    (("0",), 1, (("0",),)),
    (("0", "1", "2", "3"), 1, (("0", "1", "2", "3"),)),
    (("0", "1", "2", "3"), 2, (("0", "1"), ("2", "3"))),
    (("3", "1", "GPU-a"), 2, (("3",), ("1",))),
    (("0", "1", "2"), 3, (("0",), ("1",), ("2",))),
])  # fmt: skip
def test_each_rank_has_a_share_of_equal_size_and_no_gpu_has_two_ranks(found, ranks, expected):
    assert shares(found, ranks) == expected


@pytest.mark.parametrize(("found", "ranks"), [(("0",), 2), (("0", "1"), 3)])
def test_fewer_gpus_than_ranks_are_refused(found, ranks):
    told = rf"^{ranks} training processes need at least {ranks} GPUs, .* has {len(found)}"
    with pytest.raises(ConfigError, match=told):
        shares(found, ranks)


@pytest.mark.parametrize(("variable", "count", "expected"), [
    (None, 0, ()),
    (None, 2, ("0", "1")),
    ("", 2, ()),
    ("-1", 2, ()),
    ("2, 0", 2, ("2", "0")),
    ("1,-1,0", 1, ("1",)),
    ("GPU-8a,MIG-7/1/0", 2, ("GPU-8a", "MIG-7/1/0")),
    # Named, but not there, or without the libraries of CUDA.
    ("0,1", 1, ("0",)),
    ("0,1", 0, ()),
])  # fmt: skip
def test_what_cuda_visible_devices_shows(variable, count, expected):
    assert visible(variable, lambda: count) == expected


def test_where_nothing_is_visible_nobody_is_asked():
    assert visible("-1", lambda: pytest.fail("TensorFlow was started")) == ()


def test_on_a_machine_without_devices_tensorflow_is_not_started(monkeypatch):
    monkeypatch.setattr(gpus.subprocess, "run", lambda *_, **__: pytest.fail("TensorFlow was started"))
    monkeypatch.setattr(gpus, "_DEVICE", gpus.re.compile("no such device"))
    gpus.gpu_count.cache_clear()
    assert gpus.gpu_count() == 0
    gpus.gpu_count.cache_clear()


def test_ranks_get_back_what_was_hidden_from_the_pipelines_process(monkeypatch, caplog):
    monkeypatch.setattr(gpus, "gpu_count", lambda: 5)
    of_the_pipeline = hidden({"PATH": "/bin"})
    assert of_the_pipeline[VISIBLE] == "-1"
    assert environments(of_the_pipeline, 2) == (
        {"PATH": "/bin", VISIBLE: "0,1"},
        {"PATH": "/bin", VISIBLE: "2,3"},
    )
    assert "1 of 5 GPUs stay idle: 2 processes take 2 each" in caplog.text


def test_without_gpus_the_variable_is_what_it_was(monkeypatch):
    monkeypatch.setattr(gpus, "gpu_count", lambda: 0)
    assert environments(hidden({}), 2) == ({}, {})
    assert environments(hidden({VISIBLE: "3"}), 1) == ({VISIBLE: "3"},)


@pytest.mark.processes
def test_the_processes_see_their_share(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "gpu_count", lambda: 4)
    for name, value in hidden({VISIBLE: "4,5,6,7"}).items():
        monkeypatch.setenv(name, value)
    jobs.launch("observe", tmp_path, processes=2)
    seen = [json.loads((tmp_path / f"seen-{rank}.json").read_text())["environment"] for rank in range(2)]
    assert [one[VISIBLE] for one in seen] == ["4,5", "6,7"]
    assert not any(KEPT in one for one in seen)


@pytest.mark.processes
def test_a_job_with_more_processes_than_gpus_is_refused_before_one_starts(tmp_path, monkeypatch):
    monkeypatch.setattr(gpus, "gpu_count", lambda: 1)
    monkeypatch.delenv(VISIBLE, raising=False)
    with pytest.raises(ConfigError, match="2 training processes need at least 2 GPUs, and this machine has 1"):
        jobs.launch("observe", tmp_path, processes=2)
    assert list(tmp_path.iterdir()) == []
