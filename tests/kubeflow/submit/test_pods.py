"""Names of pods, against names that were seen and Argo's own test values."""

from __future__ import annotations

import datetime

import pytest
import yaml

from limbeck.kubeflow.simulate.upload.accepted import accept
from limbeck.kubeflow.simulate.versions import rules
from limbeck.kubeflow.submit import pods
from tests.kubeflow.submit import compiled

NOW = datetime.datetime(2026, 11, 28, tzinfo=datetime.timezone.utc)


def test_a_pod_that_was_seen_on_a_cluster() -> None:
    """This name stands in the developers' notes of KFP, as one that a cluster showed."""
    found = pods.pod_names("hello-world-clph9", "system-dag-driver", "hello-world-clph9.root-driver")
    assert found[0] == "hello-world-clph9-system-dag-driver-10974850"


@pytest.mark.parametrize(
    ("text", "number"),
    [
        # The test values of Argo's user interface, and of FNV's authors.
        ("hello", 1335831723),
        ("world", 933488787),
        ("", 2166136261),
        ("foobar", 3214735720),
    ],
)
def test_the_hash(text: str, number: int) -> None:
    assert pods.pod_names("w", "t", text) == (f"w-t-{number}", f"w-{number}")


def test_a_name_that_kubernetes_takes() -> None:
    name, _ = pods.pod_names("w" * 200, "t" * 200, "node")
    assert len(name) <= 253


def test_the_workflow_is_known_by_its_nodes() -> None:
    assert pods.workflow_name(["limbeck-small-x7k2p-123", "limbeck-small-x7k2p-9"]) == "limbeck-small-x7k2p"
    assert pods.workflow_name([]) is None


def test_the_newest_attempt_comes_first_and_the_driver_last() -> None:
    text = yaml.safe_dump(compiled.spec("kubeflow", retries=2))
    accepted = accept(text, rules("2.17"))
    found = list(pods.candidates(accepted, {}, "w", "ExampleGen", attempts=2))
    template = "w-retry-system-container-impl"
    expected = [
        pods.pod_names("w", "retry-system-container-impl", f"w.root.ExampleGen.executor({n})")[0] for n in (1, 0)
    ]
    assert [name for name in found if name.startswith(template)][:2] == expected
    assert found[0] == expected[0]
    # What KFP 2.5 makes of the same policy is another template.
    assert any(name.startswith("w-ExampleGen-system-container-impl-") for name in found)
    assert any(name.startswith("w-system-container-driver-") for name in found)
    assert len(set(found)) == len(found)


def test_a_task_that_is_not_there_has_no_pods() -> None:
    accepted = accept(yaml.safe_dump(compiled.spec("kubeflow")), rules("2.17"))
    assert list(pods.candidates(accepted, {}, "w", "Nothing", attempts=0)) == []
