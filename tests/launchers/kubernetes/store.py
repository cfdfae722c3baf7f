"""The objects of a loopback API server: versions, events to watch, validation by Kubernetes' own schemas, rights."""

from __future__ import annotations

import copy
import dataclasses
import threading
import uuid
from collections.abc import Callable
from typing import Any

from tests import schemas

Object = dict[str, Any]
kubernetes_validate = schemas.kubernetes_validate()
VERSION = "1.37"
# What the stock role `pipeline-runner` of Kubeflow Pipelines allows, of what concerns a training.
STOCK_ROLE = (
    {"apiGroups": [""], "resources": ["pods", "pods/exec", "pods/log", "services"], "verbs": ["*"]},
    {"apiGroups": ["kubeflow.org"], "resources": ["*"], "verbs": ["*"]},
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]},
)


class StatusError(Exception):
    """An answer other than 200."""

    def __init__(self, code: int, reason: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code, self.reason, self.message, self.headers = code, reason, message, headers or {}

    def body(self) -> Object:
        return {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": self.code,
            "reason": self.reason,
            "message": self.message,
        }


@dataclasses.dataclass(frozen=True)
class Event:
    version: int
    plural: str
    kind: str
    item: Object


class Store:
    """Objects by resource and name, of one namespace."""

    def __init__(self, namespace: str) -> None:
        self.namespace, self.rules = namespace, STOCK_ROLE
        self.changed = threading.Condition(threading.RLock())
        self.objects: dict[tuple[str, str], Object] = {}
        self.events: list[Event] = []
        # Watches that begin before this version are told that it is gone.
        self.forgotten = 0
        self._version = 100
        # Called with each event, under the lock: the controllers.
        self.listeners: list[Callable[[Event], None]] = []

    @property
    def version(self) -> int:
        return self._version

    def check_right(self, verb: str, group: str, resource: str) -> None:
        for rule in self.rules:
            if (
                group in rule["apiGroups"]
                and {resource, "*"} & set(rule["resources"])
                and {verb, "*"} & set(rule["verbs"])
            ):
                return
        raise StatusError(
            403,
            "Forbidden",
            f'{resource}{f".{group}" if group else ""} is forbidden: User "system:serviceaccount:team:runner" cannot '
            f'{verb} resource "{resource}" in API group "{group}" in the namespace "{self.namespace}"',
        )

    def create(self, plural: str, item: Object) -> Object:
        with self.changed:
            validate(item)
            item = copy.deepcopy(item)
            name = item["metadata"]["name"]
            if (plural, name) in self.objects:
                raise StatusError(409, "AlreadyExists", f'{plural} "{name}" already exists')
            item["metadata"] |= {"uid": str(uuid.uuid4()), "namespace": self.namespace}
            item.setdefault("status", {})
            return self._tell(plural, "ADDED", item)

    def get(self, plural: str, name: str) -> Object:
        with self.changed:
            if (plural, name) not in self.objects:
                raise StatusError(404, "NotFound", f'{plural} "{name}" not found')
            return copy.deepcopy(self.objects[plural, name])

    def all(self, plural: str, selector: str = "") -> list[Object]:
        with self.changed:
            found = [item for (each, _), item in self.objects.items() if each == plural]
            return [copy.deepcopy(item) for item in found if matches(item, selector)]

    def update(self, plural: str, item: Object) -> Object:
        with self.changed:
            if (plural, item["metadata"]["name"]) not in self.objects:
                return item
            return self._tell(plural, "MODIFIED", item)

    def remove(self, plural: str, name: str) -> None:
        with self.changed:
            item = self.objects.get((plural, name))
            if item is not None:
                self._tell(plural, "DELETED", copy.deepcopy(item))

    def since(self, plural: str, version: int, selector: str) -> list[Event]:
        """The events after a version."""
        with self.changed:
            if version < self.forgotten:
                raise StatusError(410, "Expired", f"too old resource version: {version} ({self.forgotten})")
            found = [each for each in self.events if each.version > version and each.plural == plural]
        return [each for each in found if matches(each.item, selector)]

    def _tell(self, plural: str, kind: str, item: Object) -> Object:
        self._version += 1
        item["metadata"]["resourceVersion"] = str(self._version)
        key = (plural, item["metadata"]["name"])
        if kind == "DELETED":
            self.objects.pop(key)
        else:
            self.objects[key] = item
        event = Event(self._version, plural, kind, copy.deepcopy(item))
        self.events.append(event)
        self.changed.notify_all()
        for listener in self.listeners:
            listener(event)
        return copy.deepcopy(item)


def matches(item: Object, selector: str) -> bool:
    labels = item["metadata"].get("labels", {})
    pairs = [each.split("=") for each in selector.split(",") if each]
    return all(labels.get(name) == value for name, value in pairs)


def validate(item: Object) -> None:
    """Raises StatusError 422 where an object breaks its schema. Of a custom resource, its pod templates are checked."""
    bodies = [item]
    if item["kind"] == "JobSet":
        bodies = [
            {
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": item["metadata"],
                "spec": one["template"]["spec"],
            }
            for one in item["spec"]["replicatedJobs"]
        ]
    if item["kind"] == "TFJob":
        bodies = [
            {"apiVersion": "v1", "kind": "PodTemplate", "metadata": item["metadata"], "template": one["template"]}
            for one in item["spec"]["tfReplicaSpecs"].values()
        ]
    for body in bodies:
        try:
            kubernetes_validate.validate(body, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            raise StatusError(422, "Invalid", f"{item['kind']} is invalid: {error.message}") from None
