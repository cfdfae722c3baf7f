"""Which versions of a Dask cluster differ from those of the pipeline."""

from __future__ import annotations

from limbeck.components.mapping.dask.versions import of_scheduler, of_worker

OWN = {"python": "3.10.13.final.0", "dask": "2024.8.0", "distributed": "2024.8.0", "cloudpickle": "2.2.1"}


def test_equal_versions_differ_in_nothing():
    assert of_scheduler(OWN, OWN) == of_worker(OWN, OWN) == []


def test_what_differs_is_named():
    other = OWN | {"distributed": "2024.7.1", "cloudpickle": "3.0.0"}
    assert of_scheduler(OWN, other) == ["distributed 2024.7.1 (the pipeline: 2024.8.0)"]
    assert of_worker(OWN, other) == [
        "distributed 2024.7.1 (the pipeline: 2024.8.0)",
        "cloudpickle 3.0.0 (the pipeline: 2.2.1)",
    ]
    assert of_worker(OWN, {}) != []


def test_a_scheduler_may_have_another_patch_of_python():
    assert of_scheduler(OWN, OWN | {"python": "3.10.18.final.0"}) == []
    assert of_scheduler(OWN, OWN | {"python": "3.11.2.final.0"}) == ["python 3.11 (the pipeline: 3.10)"]
