"""What the controllers of a cluster do: pods for jobs, the end of a job, removal with the owner.

Rules of the Job controller that the launcher rests on: the first failed pod of `backoffLimit: 0` fails the Job, and the
other pods are then removed; a pod is removed when its grace has passed or its process has ended.
"""

from __future__ import annotations

import copy
import datetime
import uuid
from typing import Any

from tests.launchers.kubernetes.store import Event, Object, Store

INDEX = "batch.kubernetes.io/job-completion-index"
JOBS = ("jobs", "jobsets", "tfjobs")


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


class Controllers:
    """Acts on each event of a store, under its lock."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Whether pods that are to be removed go at once: there is no kubelet to end their processes.
        self.kubelet = False
        # Has Kueue's webhook hold back jobs with a queue until `admit`.
        self.admitted = True
        store.listeners.append(self._act)

    def _act(self, event: Event) -> None:
        if event.plural in JOBS and event.kind == "ADDED":
            if "kueue.x-k8s.io/queue-name" in event.item["metadata"]["labels"] and not self.admitted:
                self.suspend(event.item["metadata"]["name"])
            else:
                self._make_pods(event.plural, event.item)
        if event.plural == "pods" and event.kind == "MODIFIED" and event.item["status"]["phase"] == "Failed":
            self._count(event.item)
        if event.plural == "pods" and event.kind == "DELETED" and event.item["status"].get("phase") != "Succeeded":
            self._count(event.item)
        if event.kind == "DELETED":
            self._collect(event.item)

    def suspend(self, name: str, suspended: bool = True) -> None:
        """Kueue's part."""
        job = self._store.get("jobs", name)
        job["spec"]["suspend"] = suspended
        self._store.update("jobs", job)
        if suspended:
            for pod in self.pods_of(job):
                self.delete_pod(pod["metadata"]["name"])
        else:
            self._make_pods("jobs", job)

    def _make_pods(self, plural: str, job: Object) -> None:
        name = job["metadata"]["name"]
        if plural == "jobs":
            spec = job["spec"]
            for index in range(spec["completions"]):
                self._make_indexed(job, spec["template"], f"{name}-{index}", index)
        if plural == "jobsets":
            [replicated] = job["spec"]["replicatedJobs"]
            spec = replicated["template"]["spec"]
            for index in range(spec["completions"]):
                self._make_indexed(job, spec["template"], f"{name}-{replicated['name']}-0-{index}", index)
        if plural == "tfjobs":
            self._make_replicas(job)

    def _make_indexed(self, job: Object, template: Object, hostname: str, index: int) -> None:
        template = copy.deepcopy(template)
        template["metadata"].setdefault("annotations", {})[INDEX] = str(index)
        template["metadata"]["labels"][INDEX] = str(index)
        for container in template["spec"]["containers"]:
            container["env"].append({"name": "JOB_COMPLETION_INDEX", "value": str(index)})
        template["spec"]["hostname"] = hostname
        self._make_pod(job, template, hostname)

    def _make_replicas(self, job: Object) -> None:
        import json

        name, replicas = job["metadata"]["name"], job["spec"]["tfReplicaSpecs"]
        hosts: dict[str, list[str]] = {}
        for role, one in replicas.items():
            [container] = one["template"]["spec"]["containers"]
            port = container["ports"][0]["containerPort"]
            hosts[role.lower()] = [
                f"{name}-{role.lower()}-{index}.{self._store.namespace}.svc:{port}"
                for index in range(one["replicas"])
            ]
        for role, one in replicas.items():
            for index in range(one["replicas"]):
                template = copy.deepcopy(one["template"])
                labels = {"replica-type": role.lower(), "replica-index": str(index)}
                template["metadata"]["labels"] |= {f"training.kubeflow.org/{k}": v for k, v in labels.items()}
                if "Worker" in replicas:
                    task = {"type": role.lower(), "index": index}
                    text = json.dumps({"cluster": hosts, "task": task, "environment": "cloud"})
                    template["spec"]["containers"][0]["env"].append({"name": "TF_CONFIG", "value": text})
                self._make_pod(job, template, f"{name}-{role.lower()}-{index}")

    def _make_pod(self, job: Object, template: Object, name: str) -> None:
        metadata = template["metadata"] | {
            "name": f"{name}-{uuid.uuid4().hex[:5]}",
            "ownerReferences": [
                {
                    "apiVersion": job["apiVersion"],
                    "kind": job["kind"],
                    "name": job["metadata"]["name"],
                    "uid": job["metadata"]["uid"],
                    "controller": True,
                }
            ],
        }
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}
        pod = self._store.create("pods", body)
        pod["status"] = {"phase": "Pending"}
        self._store.update("pods", pod)

    def pods_of(self, job: Object) -> list[Object]:
        uid = job["metadata"]["uid"]
        return [
            pod
            for pod in self._store.all("pods")
            if any(owner["uid"] == uid for owner in pod["metadata"].get("ownerReferences", ()))
        ]

    def _count(self, pod: Object) -> None:
        """Fails a Job whose pod has failed, or was removed before it ended."""
        owner = next(iter(pod["metadata"].get("ownerReferences", ())), None)
        if owner is None or owner["kind"] != "Job":
            return
        job = next((each for each in self._store.all("jobs") if each["metadata"]["uid"] == owner["uid"]), None)
        if job is None or job["status"].get("conditions") or job["spec"].get("suspend"):
            return
        condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}
        job["status"] = {"conditions": [condition | {"message": "Job has reached the specified backoff limit"}]}
        self._store.update("jobs", job)
        for other in self.pods_of(job):
            if other["status"]["phase"] not in ("Failed", "Succeeded"):
                self.delete_pod(other["metadata"]["name"])

    def delete_pod(self, name: str, grace: int | None = None) -> None:
        pod = self._store.get("pods", name)
        ended = pod["status"].get("phase") in ("Failed", "Succeeded")
        if ended or not self.kubelet:
            self._store.remove("pods", name)
            return
        pod["metadata"] |= {
            "deletionTimestamp": now(),
            "deletionGracePeriodSeconds": pod["spec"].get("terminationGracePeriodSeconds", 30)
            if grace is None
            else grace,
        }
        self._store.update("pods", pod)

    def _collect(self, owner: Object) -> None:
        """Removes what belongs to an object that is gone."""
        uid = owner["metadata"]["uid"]
        for (plural, name), item in list(self._store.objects.items()):
            if any(each["uid"] == uid for each in item["metadata"].get("ownerReferences", ())):
                if plural == "pods":
                    self.delete_pod(name)
                else:
                    self._store.remove(plural, name)

    def delete(self, plural: str, name: str, options: dict[str, Any]) -> None:
        item = self._store.get(plural, name)
        uid = options.get("preconditions", {}).get("uid")
        from tests.launchers.kubernetes.store import StatusError

        if uid is not None and uid != item["metadata"]["uid"]:
            raise StatusError(409, "Conflict", "the UID in the precondition does not match the UID in record")
        if plural == "pods":
            self.delete_pod(name, options.get("gracePeriodSeconds"))
        else:
            self._store.remove(plural, name)
