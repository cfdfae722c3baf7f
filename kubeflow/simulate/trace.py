"""Writes the events of a run as a document that can be compared with another run of the same pipeline.

Ids of runs, executions and artifacts are random, and so are times and names of pods. They are replaced by names of
their origin, or left out.
"""

from __future__ import annotations

import json
import re
from typing import Any

from google.protobuf import json_format
from ml_metadata.proto import metadata_store_pb2 as pb

from limbeck.kubeflow.simulate.bucket import Bucket
from limbeck.kubeflow.simulate.metadata import Metadata
from limbeck.kubeflow.simulate.record import History, Step
from limbeck.kubeflow.simulate.said import said

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_LEFT_OUT = ("pod_name", "pod_uid", "cache_fingerprint", "store_session_info")
_LOG = re.compile(r"/executor-logs(-\d+)?$")


class Traces:
    """The traces of several runs on one store, with common numbers for ids."""

    def __init__(self, metadata: Metadata, bucket: Bucket, workflows: dict[str, str]) -> None:
        """Takes the data of the runs.

        Args:
          metadata: the store.
          bucket: the bucket with the pipeline root.
          workflows: names of the runs' workflows by run id, in the order of the runs; grows with them.
        """
        self._metadata = metadata
        self._bucket = bucket
        self._workflows = workflows
        self._numbers: dict[str, str] = {}

    def run(self, parameters: dict[str, Any], history: History) -> dict[str, Any]:
        """Returns the trace of a run that has just ended."""
        producers = self._producers()
        tasks = [self._named(_task(step), producers) for step in history.steps]
        trace = {
            "parameters": parameters,
            "phase": history.phase,
            "tasks": tasks,
            "skipped": sorted(f"{node} {phase}" for node, phase in history.skipped),
            "executions": [_execution(each) for each in self._sorted(self._metadata.store.get_executions())],
            "artifacts": [_artifact(each) for each in self._sorted(self._metadata.store.get_artifacts())],
            "bucket": {key: size for key, size in self._bucket.sizes().items() if not _LOG.search(key)},
        }
        plain: dict[str, Any] = self._plain(trace)
        plain["artifacts"].sort(key=lambda each: each["uri"])
        plain["bucket"] = dict(sorted(plain["bucket"].items()))
        return plain

    def _sorted(self, found: list[Any]) -> list[Any]:
        return sorted(found, key=lambda each: each.id)

    def _producers(self) -> dict[str, str]:
        """Returns the task and the key from which each artifact comes, by the artifact's id."""
        names = {
            execution.id: execution.custom_properties["task_name"].string_value
            for execution in self._metadata.store.get_executions()
        }
        found: dict[str, str] = {}
        for event in self._metadata.store.get_events_by_execution_ids(list(names)) if names else []:
            if event.type == pb.Event.OUTPUT:
                name = f"<{names[event.execution_id]}/{event.path.steps[0].key}>"
                found.setdefault(str(event.artifact_id), name)
        return found

    def _named(self, value: Any, producers: dict[str, str]) -> Any:
        """Replaces names of artifacts that are ids, even in JSON inside texts."""
        if isinstance(value, dict):
            named = {key: self._named(each, producers) for key, each in value.items()}
            if "uri" in named and named.get("name") in producers:
                named["name"] = producers[named["name"]]
            return named
        if isinstance(value, list):
            return [self._named(each, producers) for each in value]
        if isinstance(value, str) and value[:1] in ("{", "["):
            try:
                return json.dumps(self._named(json.loads(value), producers), sort_keys=True, ensure_ascii=False)
            except ValueError:
                return value
        return value

    def _plain(self, value: Any) -> Any:
        if isinstance(value, dict):
            plain = {self._plain(key): self._plain(each) for key, each in value.items()}
            # The order of a listing of files depends on random names.
            if isinstance(plain.get("files"), list) and all(isinstance(each, str) for each in plain["files"]):
                plain["files"].sort()
            return plain
        if isinstance(value, list):
            return [self._plain(each) for each in value]
        if not isinstance(value, str):
            return value
        for name in self._workflows.values():
            value = value.replace(name, "<workflow>")
        return _UUID.sub(self._number, value)

    def _number(self, match: re.Match[str]) -> str:
        found = match.group()
        if found not in self._numbers:
            runs = list(self._workflows)
            count = sum(each.startswith("<uuid") for each in self._numbers.values())
            self._numbers[found] = f"<run{runs.index(found)}>" if found in runs else f"<uuid{count}>"
        return self._numbers[found]


def _task(step: Step) -> dict[str, Any]:
    told = dict(step.told)
    if "pod" in told:
        told["pod"] = _pod(told["pod"])
    task = {"node": step.node, "kind": step.kind, "exit": step.exit_code, **told}
    if step.kind == "EXECUTOR":
        lines = said(step.log)
        if lines:
            task["said"] = lines
    if step.error and (step.exit_code or step.kind == "EXECUTOR"):
        task["errors"] = [step.error]
    return task


def _pod(patch: dict[str, Any]) -> dict[str, Any]:
    """Returns the patch without the launcher's command: only what the task requests for its pod."""
    main = patch["containers"][0]
    others = {key: value for key, value in patch.items() if key != "containers"}
    found = {"image": main["image"], "resources": main["resources"], "other_fields": sorted(others)}
    if others:
        found["patch"] = others
    return found | {key: value for key, value in main.items() if key in _OF_MAIN}


_OF_MAIN = ("env", "volumeMounts", "imagePullPolicy", "securityContext")


def _execution(found: Any) -> dict[str, Any]:
    return {
        "type": found.type,
        "name": found.name,
        "state": pb.Execution.State.Name(found.last_known_state),
        "custom_properties": _properties(found.custom_properties),
    }


def _artifact(found: Any) -> dict[str, Any]:
    return {
        "type": found.type,
        "uri": found.uri,
        "state": pb.Artifact.State.Name(found.state),
        "properties": _properties(found.properties),
        "custom_properties": _properties(found.custom_properties),
    }


def _properties(given: Any) -> dict[str, Any]:
    found = {}
    for key, value in sorted(given.items()):
        kind = value.WhichOneof("value")
        if key in _LEFT_OUT or kind is None:
            continue
        held = getattr(value, kind)
        found[key] = {
            kind.removesuffix("_value"): json_format.MessageToDict(held) if kind == "struct_value" else held
        }
    return found
