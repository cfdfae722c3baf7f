"""Versions that are taken back, and what is pushed next."""

from pathlib import Path

import pytest

from limbeck.components.pusher.push import push
from limbeck.components.pusher.withdrawal import withdraw
from limbeck.errors import ConfigError
from tests.components.pusher import models


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    for number in (10, 20, 30):
        push(models.write(tmp_path / f"model-{number}", number), tmp_path / "serving")
    return tmp_path / "serving"


def test_the_newest_is_withdrawn_and_can_be_served_again(serving: Path):
    done = withdraw(serving)
    assert (done.withdrawn, done.served) == ((3,), 2)
    assert models.numbers(serving) == {1: 10, 2: 20}
    (done.place / "3").rename(serving / "3")
    assert models.numbers(serving) == {1: 10, 2: 20, 3: 30}


def test_several_are_withdrawn_at_once(serving: Path):
    done = withdraw(serving, to=1)
    assert (done.withdrawn, done.served) == ((3, 2), 1)
    assert models.numbers(serving) == {1: 10}


def test_the_number_of_a_withdrawn_version_is_not_used_again(serving: Path, tmp_path: Path):
    withdraw(serving)
    assert push(tmp_path / "model-30", serving) == serving / "4"


@pytest.mark.parametrize(("to", "told"), [(7, "has 3, 2, 1; received 7"), (0, "received 0")])
def test_a_version_that_is_not_there_is_refused(serving: Path, to: int, told: str):
    with pytest.raises(ConfigError, match=told):
        withdraw(serving, to)
    assert models.numbers(serving) == {1: 10, 2: 20, 3: 30}


def test_the_only_version_stays(serving: Path):
    withdraw(serving, to=1)
    with pytest.raises(ConfigError, match=r"an earlier version to go back to; .* has 1: stop the server instead"):
        withdraw(serving)
    with pytest.raises(ConfigError, match="has none"):
        withdraw(serving / "nowhere")
