"""Every strategy trains teachers and student of the digits pipeline, from the command line, equally well."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest

from tests.horovod_extra import needs_horovod
from tests.integration.runs import Finished, run

pytestmark = [pytest.mark.pipeline, pytest.mark.long]

STRATEGIES = {
    "one_device": ("strategy.name=one_device",),
    "mirrored": ("strategy.name=mirrored", "strategy.logical_devices=2"),
    "central_storage": ("strategy.name=central_storage", "strategy.logical_devices=2"),
    "multi_worker_mirrored": ("strategy.name=multi_worker_mirrored", "strategy.workers=2"),
    "horovod": ("strategy.name=horovod", "strategy.workers=2"),
    "parameter_server": ("strategy.name=parameter_server", "strategy.workers=2"),
}
# Further tests train under each of these, to the weights of one device.
MARKS = {
    "mirrored": pytest.mark.release,
    "central_storage": pytest.mark.release,
    "horovod": [pytest.mark.release, needs_horovod],
}
PARAMETERS = [pytest.param(name, marks=MARKS.get(name, ())) for name in STRATEGIES]
SETTINGS = (
    "teachers.count=2", "teachers.epochs=20", "training.epochs=60", "controls=false", "gate.tolerance=0.1",
    "distillation.search=false",
)  # fmt: skip
# Six of the 250 test images: sums in another order lead to other models of the same quality.
NOISE = 0.024


@pytest.fixture(scope="module")
def done_under(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Finished]:
    """One run a strategy, in one folder: what stands before the teachers comes from the cache."""
    root = tmp_path_factory.mktemp("strategies") / "root"
    return functools.cache(lambda name: run("digits", root, *SETTINGS, *STRATEGIES[name]))


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_strategy_trains_as_well_as_one_device(done_under: Callable[[str], Finished], name: str) -> None:
    reference, done = done_under("one_device"), done_under(name)
    assert done.code == 0, done.output
    assert {"TeacherTrainer", "Distiller"} <= done.computed
    for model in ("teacher", "student"):
        accuracy = done.report["models"][model]["metrics"]["accuracy"]
        assert accuracy > 0.95
        assert accuracy == pytest.approx(reference.report["models"][model]["metrics"]["accuracy"], abs=NOISE)


@pytest.mark.parametrize("name", PARAMETERS[:-1])
def test_every_process_computed_its_share(done_under: Callable[[str], Finished], name: str) -> None:
    processes = 2 if "strategy.workers=2" in STRATEGIES[name] else 1
    for model, epochs in (("teacher", 2 * 20), ("student", 60)):
        records = done_under(name).report["training"][model]
        assert len(records) == processes
        assert sum(record["examples"] for record in records) == 1297 * epochs
