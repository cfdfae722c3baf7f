"""Signs between the processes of stages, by hand-moved clocks and real files."""

import contextlib

import pytest

from limbeck.launchers import records
from limbeck.launchers.cluster import Cluster
from limbeck.trainer.distribution import stage_signs
from tests.launchers import jobs


def test_the_chief_hears_of_a_request_and_looks_once_a_second(tmp_path):
    now = [100.0]
    asked = stage_signs.asking(str(tmp_path), 3, clock=lambda: now[0])
    assert not asked()
    stage_signs.ask(str(tmp_path), 2)
    assert not asked()
    now[0] += 1.0
    assert asked() and asked()


def test_a_job_of_one_process_asks_for_no_file(tmp_path):
    stage_signs.ask(str(tmp_path), 1)
    assert not stage_signs.asking(str(tmp_path), 1)()


@pytest.mark.parametrize("error", [None, ValueError])
def test_stages_are_released_whatever_happens_to_the_chief(tmp_path, error):
    def train():
        with stage_signs.releasing(str(tmp_path)):
            assert not stage_signs.released(str(tmp_path))
            if error:
                raise error

    with pytest.raises(error) if error else contextlib.nullcontext():
        train()
    assert stage_signs.released(str(tmp_path))


def test_what_went_wrong_is_told_even_if_storage_is_away(tmp_path):
    with pytest.raises(ValueError, match="the cause"), stage_signs.releasing(str(tmp_path / "file" / "below")):
        (tmp_path / "file").write_text("no folder", encoding="utf-8")
        raise ValueError("the cause")


def test_an_attempt_sees_no_sign_of_the_one_before(tmp_path):
    with stage_signs.releasing(str(tmp_path)):
        stage_signs.ask(str(tmp_path), 1)
    records.discard(jobs.job(tmp_path, 1), Cluster(workers=1, stages=True))
    assert list(tmp_path.iterdir()) == []
