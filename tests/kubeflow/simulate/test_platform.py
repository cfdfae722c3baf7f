"""What the platform document adds to a pod. Each entry is Kubernetes' own way to write it."""

import json
from typing import Any

import pytest

from tests.kubeflow.simulate.probe import Json, found, run, spec, step, task

pytestmark = pytest.mark.processes

PARAMETERS: Json = {
    "inputDefinitions": {
        "parameters": {
            "secret": {"parameterType": "STRING", "defaultValue": "s3"},
            "none": {"parameterType": "STRING", "isOptional": True},
            "labels": {"parameterType": "STRUCT", "defaultValue": {"pool": "gpu"}},
        }
    }
}


def of_run(name: str) -> Json:
    """A parameter of the run."""
    return {"componentInputParameter": name}


def pod(entry: Json, **container: Any) -> Json:
    """The pod of a task with a platform entry, as the trace tells it."""
    pipeline = spec([step("one", {})], {"one": task("one")}, root=PARAMETERS)
    pipeline["deploymentSpec"]["executors"]["exec-one"]["container"] |= container
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-one": entry}}}}}
    (outcome,) = run(f"{json.dumps(pipeline)}\n---\n{json.dumps(platform)}")
    assert outcome.trace["phase"] == "Succeeded"
    return dict(found(outcome.trace, "root.one-driver")["pod"])


def test_volumes() -> None:
    made = pod(
        {
            "secretAsVolume": [{"secretName": "key", "mountPath": "/key"}],
            "configMapAsVolume": [
                {"configMapNameParameter": of_run("secret"), "mountPath": "/map", "optional": True}
            ],
            "pvcMount": [{"pvcNameParameter": of_run("secret"), "mountPath": "/claim", "subPath": "below"}],
            "emptyDirMounts": [
                {"volumeName": "shm", "mountPath": "/dev/shm", "medium": "Memory", "sizeLimit": "1.5Gi"}
            ],
            "genericEphemeralVolume": [
                {"volumeName": "scratch", "mountPath": "/scratch", "size": "1Gi", "defaultStorageClass": True}
            ],
        }
    )

    claim = {"metadata": {"creationTimestamp": None}, "spec": {"resources": {"requests": {"storage": "1Gi"}}}}
    assert made["patch"]["volumes"] == [
        {"name": "s3", "persistentVolumeClaim": {"claimName": "s3"}},
        {"name": "key", "secret": {"secretName": "key", "optional": False}},
        {"name": "s3", "configMap": {"name": "s3", "optional": True}},
        {"name": "scratch", "ephemeral": {"volumeClaimTemplate": claim}},
        {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1536Mi"}},
    ]
    assert made["volumeMounts"][0] == {"mountPath": "/claim", "name": "s3", "subPath": "below"}
    assert [each["mountPath"] for each in made["volumeMounts"]] == [
        "/claim",
        "/key",
        "/map",
        "/scratch",
        "/dev/shm",
    ]


def test_environment() -> None:
    made = pod(
        {
            "secretAsEnv": [
                {"secretNameParameter": of_run("secret"), "keyToEnv": [{"secretKey": "k", "envVar": "K"}]},
                {"secretNameParameter": of_run("none"), "keyToEnv": [{"secretKey": "k", "envVar": "NOT"}]},
            ],
            "configMapAsEnv": [
                {"configMapName": "m", "keyToEnv": [{"configMapKey": "c", "envVar": "C"}], "optional": True}
            ],
            "fieldPathAsEnv": [{"name": "NODE", "fieldPath": "spec.nodeName"}],
        },
        env=[{"name": "PLAIN", "value": "1"}],
    )
    assert made["env"] == [
        {"name": "PLAIN", "value": "1"},
        {"name": "K", "valueFrom": {"secretKeyRef": {"key": "k", "name": "s3"}}},
        {"name": "C", "valueFrom": {"configMapKeyRef": {"key": "c", "name": "m", "optional": True}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
    ]


def test_where_it_may_run() -> None:
    required = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    made = pod(
        {
            "nodeSelector": {"nodeSelectorJson": of_run("labels")},
            "tolerations": [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 60}],
            "nodeAffinity": [required, {**required, "weight": 5}],
            "imagePullPolicy": "Always",
            "imagePullSecret": [{"secretName": "registry"}],
            "securityContext": {"runAsUser": 1000, "runAsNonRoot": True},
        },
        resources={
            "cpuRequest": 0.5,
            "resourceMemoryLimit": "1.5G",
            "accelerator": {"type": "nvidia.com/gpu", "count": 2},
        },
    )
    assert made["patch"] == {
        "nodeSelector": {"pool": "gpu"},
        "tolerations": [{"key": "gpu", "operator": "Exists", "tolerationSeconds": 60}],
        "imagePullSecrets": [{"name": "registry"}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [required]},
                "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5, "preference": required}],
            }
        },
    }
    assert made["resources"] == {"limits": {"memory": "1500M", "nvidia.com/gpu": "2"}, "requests": {"cpu": "500m"}}
    assert made["imagePullPolicy"] == "Always"
    assert made["securityContext"]["runAsUser"] == 1000
