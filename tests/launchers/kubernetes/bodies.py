"""Bodies that several tests need: the pod of a step of Kubeflow Pipelines, and plans."""

from __future__ import annotations

from typing import Any

from limbeck.launchers.kubernetes.own_pod import owner_of, surroundings_of
from limbeck.launchers.kubernetes.plan import PodPlan
from limbeck.settings.pods import PodsConfig, Toleration


def step_pod() -> dict[str, Any]:
    """As Argo makes it: a container of its own beside ours, its variables, and scratch volumes."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "step", "uid": "0000-step", "labels": {"pipeline/runid": "r"}},
        "spec": {
            "serviceAccountName": "pipeline-runner",
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [
                {"name": "wait", "image": "argoexec:v4", "env": [{"name": "OF_ARGO", "value": "1"}]},
                {
                    "name": "main",
                    "image": "registry.example/limbeck:7",
                    "env": [
                        {"name": "KFP_POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                        {"name": "ARGO_TEMPLATE", "value": "{}"},
                        {"name": "LIMBECK_OPERATIONAL", "value": "{}"},
                        {"name": "HOME", "value": "/somewhere"},
                        {"name": "LIMBECK_TASK_FOLDER", "value": "/tasks"},
                        {
                            "name": "AWS_SECRET_ACCESS_KEY",
                            "valueFrom": {"secretKeyRef": {"name": "s3", "key": "secretkey"}},
                        },
                    ],
                    "envFrom": [{"configMapRef": {"name": "store", "optional": True}}],
                    "volumeMounts": [
                        {"name": "kfp-launcher", "mountPath": "/kfp-launcher"},
                        {"name": "ca", "mountPath": "/etc/ca"},
                        {"name": "kube-api-access", "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"},
                    ],
                },
            ],
            "volumes": [
                {"name": "kfp-launcher", "emptyDir": {}},
                {"name": "ca", "configMap": {"name": "ca"}},
                {"name": "of-argo", "secret": {"secretName": "argo"}},
                {"name": "kube-api-access", "projected": {"sources": []}},
            ],
        },
        "status": {"phase": "Running"},
    }


def plan(processes: int = 2, **changes: Any) -> PodPlan:
    """A job with everything that a user may set."""
    settings: dict[str, Any] = {
        "staging": "gs://bucket/staging",
        "cpu": "3500m",
        "memory": "16Gi",
        "accelerators": 2,
        "node_selector": {"pool": "training"},
        "tolerations": (Toleration("spot", "Exists", effect="NoSchedule"),),
        "queue": "training",
        "claim": "data",
        "mount": "/mnt/data",
    }
    return PodPlan(
        name="limbeck-teacher-0123456789",
        namespace="team",
        processes=processes,
        attempt="a" * 32,
        folder="gs://bucket/staging/limbeck-1",
        files="gs://bucket/staging/limbeck-1/attempt-$(1)",
        image="registry.example/limbeck:7",
        settings=PodsConfig(**(settings | changes)),
        surroundings=surroundings_of(step_pod()),
        owner=owner_of(step_pod()),
    )


def bare_plan(processes: int = 1, **changes: Any) -> PodPlan:
    """A job with nothing set, from a machine that is no pod."""
    return PodPlan(
        name="limbeck-student-0123456789",
        namespace="team",
        processes=processes,
        attempt="a" * 32,
        folder="gs://bucket/staging/limbeck-1",
        files="gs://bucket/staging/limbeck-1/attempt-1",
        image="limbeck:7",
        settings=PodsConfig(staging="gs://bucket/staging", **changes),
    )
