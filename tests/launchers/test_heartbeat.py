import os

import pytest

from limbeck import files
from limbeck.launchers.heartbeat import STARTING_SECONDS, SUSPICIOUS_SECONDS, Pulses
from limbeck.trainer.process import heartbeat
from tests.object_store import Fault, refuses

DEADLINE = 10.0


class World:
    """Processes 0 and 1 with their files, and a clock that moves when it is told."""

    def __init__(self, folder):
        self.files = {rank: folder / f"heartbeat-{rank}" for rank in range(2)}
        self.now = 1000.0
        self.pulses = Pulses({rank: str(file) for rank, file in self.files.items()}, DEADLINE, self.now)
        self.mtime = 5_000_000_000

    def pass_by(self, seconds, *beating, mtime_step=1_000_000_000):
        for _ in range(seconds):
            self.now += 1.0
            self.mtime += mtime_step
            for rank in beating:
                self.files[rank].touch()
                os.utime(self.files[rank], ns=(self.mtime, self.mtime))
            self.pulses.look(self.now)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path)


def test_a_process_that_beats_is_never_hung(world):
    world.pass_by(100, 0, 1)
    assert world.pulses.hung({0, 1}) == world.pulses.suspicious({0, 1}) == {}


def test_only_the_silent_one_is_hung_and_only_from_the_deadline_on(world):
    world.pass_by(5, 0, 1)
    world.pass_by(9, 0)
    assert world.pulses.hung({0, 1}) == {}
    world.pass_by(1, 0)
    assert world.pulses.hung({0, 1}) == {1: 10.0}
    assert world.pulses.hung({0}) == {}


def test_one_that_beats_again_is_forgiven(world):
    world.pass_by(3, 0, 1)
    world.pass_by(9, 0)
    world.pass_by(1, 0, 1)
    world.pass_by(9, 0)
    assert world.pulses.hung({0, 1}) == {}


def test_a_silence_shorter_than_the_deadline_is_suspicious(world):
    world.pass_by(1, 0, 1)
    world.pass_by(int(SUSPICIOUS_SECONDS) - 1, 0)
    assert world.pulses.suspicious({0, 1}) == {}
    world.pass_by(1, 0)
    assert world.pulses.suspicious({0, 1}) == {1: SUSPICIOUS_SECONDS}


def test_a_process_that_starts_has_longer_and_is_not_suspicious(world):
    world.pass_by(int(STARTING_SECONDS) - 1, 0)
    assert world.pulses.hung({0, 1}) == world.pulses.suspicious({0, 1}) == {}
    world.pass_by(1, 0)
    assert world.pulses.hung({0, 1}) == {1: STARTING_SECONDS}


def test_an_announced_silence_is_borne_and_no_longer(world, monkeypatch):
    world.pass_by(1, 0, 1)
    monkeypatch.setenv(heartbeat.ENVIRONMENT, str(world.files[1]))
    with heartbeat.silence(20.0):
        # That it was announced is a beat too.
        world.pass_by(20, 0)
        assert world.pulses.hung({0, 1}) == world.pulses.suspicious({0, 1}) == {}
        world.pass_by(1, 0)
        assert world.pulses.hung({0, 1}) == {1: 20.0}
    world.pass_by(int(DEADLINE), 0)
    assert world.pulses.hung({0, 1}) == {}
    world.pass_by(1, 0)
    assert world.pulses.hung({0, 1}) == {1: DEADLINE}


def test_who_is_not_watched_announces_nothing(monkeypatch, tmp_path):
    monkeypatch.delenv(heartbeat.ENVIRONMENT, raising=False)
    monkeypatch.chdir(tmp_path)
    with heartbeat.silence(20.0):
        assert list(tmp_path.iterdir()) == []


def test_processes_are_not_blamed_for_a_launcher_that_stood_still(world):
    world.pass_by(3, 0, 1)
    world.now += 3600
    world.pulses.look(world.now)
    assert world.pulses.hung({0, 1}) == world.pulses.suspicious({0, 1}) == {}


def test_a_clock_of_files_that_is_set_back_is_no_silence(world):
    world.pass_by(3, 0, 1)
    world.pass_by(30, 0, 1, mtime_step=-100_000_000)
    assert world.pulses.hung({0, 1}) == {}


def test_no_deadline_is_shorter_than_three_beats(tmp_path):
    file = tmp_path / "heartbeat-0"
    file.touch()
    pulses = Pulses({0: str(file)}, 0.1, now=0.0)
    for now in (0.1, 1.1, 2.1, 3.0):
        pulses.look(now)
    assert pulses.hung({0}) == {}
    pulses.look(3.2)
    assert list(pulses.hung({0})) == [0]


def test_a_store_that_is_away_says_nothing_about_a_process(bucket, object_store, monkeypatch):
    """It ended the launch: the launcher could not read the sign of life, and took that for its own failure."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    uri, now = f"s3://{bucket}/heartbeat", 1000.0
    pulses = Pulses({0: uri}, DEADLINE, now)
    files.write_text(uri, "0.0 1")
    pulses.look(now + 1)
    away = Fault(lambda one: one.path.endswith("/heartbeat"), refuses("503 Slow Down", "SlowDown"), times=10**6)
    with object_store.fault(away):
        for second in range(2, 30):
            pulses.look(now + second)
    assert pulses.hung({0}) == {}
    for second in range(30, 41):
        pulses.look(now + second)
    assert pulses.hung({0}).keys() == {0}
