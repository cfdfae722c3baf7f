"""A worker is compared with the pipeline by versions, by our sources, and by the task's."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from limbeck.beam_processes import identity
from limbeck.beam_processes.identity import Identity, differences, experiment, identity_of, wanted
from limbeck.errors import ConfigError, TaskError
from limbeck.reference import ENVIRONMENT, TaskRef, find

JOB = Identity({"python": "3.10.13", "tensorflow": "2.16.2"}, "c" * 64, TaskRef("own"), "d" * 64)


def test_it_crosses_as_the_name_of_an_experiment():
    text = experiment(JOB)
    assert text.isascii() and not set(text) & set(' ,"{}')
    assert wanted(["use_runner_v2", text]) == JOB
    assert wanted(["use_runner_v2"]) is None


def test_what_differs_is_named_with_both_values():
    assert differences(JOB, JOB) == []
    own = Identity({"python": "3.11.0", "tensorflow": "2.16.2"}, "e" * 64, JOB.task, "f" * 64)
    assert differences(JOB, own) == [
        "python 3.11.0 (the pipeline: 3.10.13)",
        "Limbeck's code with digest eeeeeeeeeeee (the pipeline: cccccccccccc)",
        "the task's code with digest ffffffffffff (the pipeline: dddddddddddd)",
    ]


def test_this_process_fits_its_own_job():
    identity.assert_fit(identity_of(find("digits")), {})


@pytest.mark.parametrize("change", [{"code": "0" * 64}, {"versions": {"tensorflow": "2.17.0"}}], ids=str)
def test_another_one_is_refused(change: dict[str, object]):
    job = dataclasses.replace(identity_of(find("digits")), **change)
    with pytest.raises(ConfigError, match="must run what the pipeline runs"):
        identity.assert_fit(job, {})


def test_a_machine_that_does_not_share_the_folder_is_refused(tmp_path: Path):
    seal = tmp_path / "limbeck-1"
    job = identity_of(find("digits"), str(seal))
    with pytest.raises(ConfigError, match=f"there is no {seal}, which the pipeline has just written"):
        identity.assert_fit(job, {})
    seal.touch()
    identity.assert_fit(job, {})


def test_a_job_that_says_nothing_is_refused():
    with pytest.raises(ConfigError, match="works for Limbeck alone"):
        identity.assert_fit(None, {})


def test_a_users_task_must_be_the_same_in_the_workers_own_folder(tmp_path: Path):
    source = "from helper import LENGTH\n\n\ndef preprocessing_fn(inputs):\n    return inputs[:LENGTH]\n"
    folders = [tmp_path / name for name in ("here", "there", "elsewhere")]
    for folder, length in zip(folders, (3, 3, 4), strict=True):
        folder.mkdir()
        (folder / "own_task.py").write_text(source, encoding="utf-8")
        (folder / "helper.py").write_text(f"LENGTH = {length}\n", encoding="utf-8")
    job = identity_of(TaskRef("own_task", search_path=str(folders[0])))

    identity.assert_fit(job, {ENVIRONMENT: str(folders[1])})
    with pytest.raises(ConfigError, match="the task's code with digest"):
        identity.assert_fit(job, {ENVIRONMENT: str(folders[2])})
    with pytest.raises(TaskError, match="own_task"):
        identity.assert_fit(job, {})


def test_the_digest_of_sources_sees_each_byte_and_each_name(tmp_path: Path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "one.py").write_text("A = 1\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("no source", encoding="utf-8")
    first = identity.sources_digest(tmp_path)

    (tmp_path / "notes.txt").write_text("still none", encoding="utf-8")
    # An image of workers has no command line.
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli" / "main.py").write_text("B = 1\n", encoding="utf-8")
    (tmp_path / "pipeline.py").symlink_to(tmp_path / "nowhere.py")
    assert identity.sources_digest(tmp_path) == first
    (tmp_path / "package" / "one.py").write_text("A = 2\n", encoding="utf-8")
    second = identity.sources_digest(tmp_path)
    (tmp_path / "package" / "one.py").rename(tmp_path / "package" / "two.py")
    assert len({first, second, identity.sources_digest(tmp_path)}) == 3
