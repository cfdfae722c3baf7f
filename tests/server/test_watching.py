"""Versions that come, go, and cannot be loaded."""

import dataclasses
import shutil
import threading

import pytest

from limbeck.server.loading import Version
from limbeck.server.student import Served
from limbeck.server.watching import Watcher


@dataclasses.dataclass
class Folder:
    """A serving folder, and what is served of it."""

    path: object
    served: Served
    watcher: Watcher
    loads: list
    loaded: threading.Event
    passing: list

    def add(self, number):
        (self.path / str(number)).mkdir(parents=True)
        (self.path / str(number) / "saved_model.pb").touch()

    def look(self):
        self.watcher.look()
        return sorted(self.served.versions)


@pytest.fixture
def folder(tmp_path):
    """Versions from 1000 on cannot be loaded."""
    loads, served, loaded, passing = [], Served(), threading.Event(), []

    def load(number, path):
        loads.append(number)
        loaded.set()
        if number >= 1000 or number in passing:
            raise OSError("no model")
        return Version(number, {})

    return Folder(tmp_path, served, Watcher(tmp_path, served, load, kept=2, seconds=0.01), loads, loaded, passing)


def test_the_newest_versions_are_loaded_once(folder):
    for number in (1, 2, 3):
        folder.add(number)
    assert folder.look() == folder.look() == [2, 3]
    assert folder.loads == [3, 2]
    assert folder.served.version().number == 3


def test_a_new_version_takes_the_place_of_the_oldest(folder):
    folder.add(1)
    folder.add(2)
    before = folder.served
    folder.look()
    taken = before.versions
    folder.add(3)
    assert folder.look() == [2, 3]
    # A request that began before the change still finds its version.
    assert sorted(taken) == [1, 2]


def test_a_version_that_is_withdrawn_is_taken_back(folder):
    folder.add(1)
    folder.add(2)
    folder.look()
    shutil.rmtree(folder.path / "2")
    assert folder.look() == [1]
    with pytest.raises(KeyError):
        folder.served.version(2)


def test_a_version_that_cannot_be_loaded_changes_nothing(folder):
    folder.add(1)
    folder.add(2)
    folder.look()
    folder.add(1001)
    assert folder.look() == folder.look() == [1, 2]
    assert folder.loads.count(1001) == 1
    assert folder.served.refused == {1001: "no model"}
    shutil.rmtree(folder.path / "1001")
    folder.look()
    assert folder.served.refused == {}


def test_a_version_is_tried_again_after_pauses_that_grow_and_then_no_more(folder):
    folder.add(1)
    folder.add(1001)
    tried = []
    for look in range(1000):
        before = len(folder.loads)
        assert folder.look() == [1]
        assert folder.served.refused == {1001: "no model"}
        if 1001 in folder.loads[before:]:
            tried.append(look)
    assert tried == [0, 10, 30, 70, 150, 310]


def test_an_error_that_passes_keeps_no_version_from_being_served(folder):
    """A version that was pushed while the file system did not answer was served after a restart only."""
    folder.add(1)
    folder.add(2)
    folder.passing.append(2)
    assert folder.look() == [1]
    assert folder.served.refused == {2: "no model"}
    folder.passing.clear()
    for _ in range(10):
        folder.look()
    assert sorted(folder.served.versions) == [1, 2]
    assert folder.served.refused == {}


def test_the_last_version_answers_even_if_its_folder_is_gone(folder):
    folder.add(1)
    folder.look()
    shutil.rmtree(folder.path)
    assert folder.look() == [1]


def test_it_looks_by_itself_until_it_is_stopped(folder):
    folder.add(1)
    folder.watcher.start()
    assert folder.loaded.wait(60)
    # It returns when that look is over.
    folder.watcher.stop()
    folder.add(2)
    assert sorted(folder.served.versions) == [1]
