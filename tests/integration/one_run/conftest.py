"""One run of a copied digits task, which the tests of this folder change something about."""

from __future__ import annotations

import pytest

from tests.integration.one_run.base import Base
from tests.integration.runs import SHORT, own_digits, run


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """A finished run by two worker processes, started as a user starts it."""
    folder = tmp_path_factory.mktemp("base")
    task = own_digits(folder)
    return Base(task, folder / "root", run(str(task), folder / "root", *SHORT, fresh=True))
