"""Every strategy trains teachers and student of the digits pipeline, from the command line, equally well."""

from __future__ import annotations

import pytest

from tests.integration.runs import Finished, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

STRATEGIES = {
    "one_device": ("strategy.name=one_device",),
    "mirrored": ("strategy.name=mirrored", "strategy.logical_devices=2"),
    "central_storage": ("strategy.name=central_storage", "strategy.logical_devices=2"),
    "multi_worker_mirrored": ("strategy.name=multi_worker_mirrored", "strategy.workers=2"),
}
SETTINGS = (
    "teachers.count=2", "teachers.epochs=20", "training.epochs=60", "controls=false", "gate.tolerance=0.1",
    "distillation.search=false",
)  # fmt: skip
# Six of the 250 test images: sums in another order lead to other models of the same quality.
NOISE = 0.024


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Finished]:
    """One run a strategy, in one folder: what stands before the teachers comes from the cache."""
    root = tmp_path_factory.mktemp("strategies") / "root"
    return {name: run("digits", root, *SETTINGS, *settings) for name, settings in STRATEGIES.items()}


@pytest.mark.parametrize("name", STRATEGIES)
def test_a_strategy_trains_as_well_as_one_device(runs: dict[str, Finished], name: str) -> None:
    done, reference = runs[name], runs["one_device"]
    assert done.code == 0, done.output
    assert {"TeacherTrainer", "Distiller"} <= done.computed
    for model in ("teacher", "student"):
        accuracy = done.report["models"][model]["metrics"]["accuracy"]
        assert accuracy > 0.95
        assert accuracy == pytest.approx(reference.report["models"][model]["metrics"]["accuracy"], abs=NOISE)


@pytest.mark.parametrize("name", STRATEGIES)
def test_every_process_computed_its_share(runs: dict[str, Finished], name: str) -> None:
    processes = 2 if name == "multi_worker_mirrored" else 1
    for model, epochs in (("teacher", 2 * 20), ("student", 60)):
        records = runs[name].report["training"][model]
        assert len(records) == processes
        assert sum(record["examples"] for record in records) == 1297 * epochs
