"""The Evaluator's real output, made once for all tests that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tfx.types.artifact import Artifact

    from tests.components.world import World


@pytest.fixture(scope="session")
def evaluation(world: World, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    from tests.components.reporter import evaluations

    return evaluations.evaluate(world, evaluations.labelled_rows(world), tmp_path_factory.mktemp("evaluation"))
