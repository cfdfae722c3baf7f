"""One run of a copied digits task, which the tests of its module change something about."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.runs import Finished, own_digits, run, stop_server

# Short trainings: these tests are about what runs again, not about how well it learns.
SHORT = ("teachers.count=2", "teachers.epochs=2", "training.epochs=3", "gate.tolerance=1.0", "search.budget=2")


@dataclasses.dataclass(frozen=True)
class Base:
    """The first run, and where it stands."""

    task: Path
    root: Path
    finished: Finished

    def again(self, *settings: str) -> Finished:
        """Runs once more in the same folder, with some settings changed."""
        return run(str(self.task), self.root, *SHORT, *settings)


@pytest.fixture(scope="package", autouse=True)
def _server_ends_with_the_tests_that_use_it() -> Iterator[None]:
    """Tests elsewhere look whether they left a child behind."""
    yield
    stop_server()


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A finished run by two worker processes, started as a user starts it."""
    folder = tmp_path_factory.mktemp("base")
    task = own_digits(folder)
    return Base(task, folder / "root", run(str(task), folder / "root", *SHORT, fresh=True))
