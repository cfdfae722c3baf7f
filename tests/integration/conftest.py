"""One run of a copied digits task, which the tests of its module change something about."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.integration.runs import Finished, own_digits, run

# Short trainings: these tests are about what runs again, not about how well it learns.
SHORT = ("teachers.count=2", "teachers.epochs=2", "training.epochs=3", "gate.tolerance=1.0")


@dataclasses.dataclass(frozen=True)
class Base:
    """The first run, and where it stands."""

    task: Path
    root: Path
    finished: Finished

    def again(self, *settings: str) -> Finished:
        """Runs once more in the same folder, with some settings changed."""
        return run(str(self.task), self.root, *SHORT, *settings)


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A finished run by two worker processes."""
    folder = tmp_path_factory.mktemp("base")
    task = own_digits(folder)
    return Base(task, folder / "root", run(str(task), folder / "root", *SHORT))
