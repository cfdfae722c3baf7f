"""Creates the objects of an attempt, and removes them, so that nothing is left behind and nothing runs twice.

The name of a job is a digest of what it trains, so an earlier attempt whose launcher was killed is found by its name.
That attempt may still train, and would write the same checkpoints. So before a new job is created, the old one is
removed and its pods have ended. A job of the same name that belongs to another living step is not removed.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from limbeck import files
from limbeck.errors import ConfigError, TrainingFailedError, UserError
from limbeck.launchers.kubernetes.api import Api
from limbeck.launchers.kubernetes.kind import Kind
from limbeck.launchers.kubernetes.plan import ATTEMPT, FOLDER, PodPlan
from limbeck.launchers.kubernetes.refusals import AlreadyExistsError
from limbeck.launchers.kubernetes.resources import POD, SERVICE, Object, Resource, name_of

_log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
# Seconds for the pods of an earlier attempt to save.
_ENDING_SECONDS = 120.0
# An object that is being removed may keep its name for a while.
_TRIES = 10


class Objects:
    """The objects of one attempt."""

    def __init__(
        self, api: Api, kind: Kind, plan: PodPlan, *, on_replaced: Callable[[], None] = lambda: None
    ) -> None:
        """Takes the API, the kind of job, the attempt, and a function to call when an earlier attempt is gone."""
        self._api, self._kind, self._plan, self._on_replaced = api, kind, plan, on_replaced

    def create(self) -> Object:
        """Removes an earlier attempt, and creates the main object and its Services.

        Returns:
          The main object, as the server has it.

        Raises:
          UserError: if another living step trains the same job, or if the cluster refuses the objects.
          TrainingFailedError: if an object of the same name cannot be removed.
        """
        made = self._create(self._kind.resource, self._kind.body(self._plan), self._replace)
        for service in self._kind.services(self._plan):
            # The main object is ours, so a Service with its name belongs to an earlier attempt.
            self._create(SERVICE, service, lambda existing: self._delete(SERVICE, existing))
        return made

    def _create(self, resource: Resource, body: Object, replace: Callable[[Object], None]) -> Object:
        for _ in range(_TRIES):
            try:
                return self._api.create(resource, body)
            except AlreadyExistsError:
                existing = self._api.get(resource, name_of(body))
            if existing is not None:
                if _attempt_of(existing) == self._plan.attempt:
                    # It is our own object: the answer to the first request was lost.
                    return existing
                replace(existing)
            time.sleep(_LOOK_SECONDS)
        raise TrainingFailedError(f"the {resource.kind} {name_of(body)} is there, and cannot be removed")

    def _replace(self, existing: Object) -> None:
        holder = self._living_owner(existing)
        if holder is not None:
            raise UserError(
                f"the pod {holder} of another run trains the same job now ({self._kind.resource.kind} "
                f"{name_of(existing)}): two at once would write the same checkpoints. Wait for it, or stop that run"
            )
        _log.warning("removing what an earlier attempt left: %s %s", existing["kind"], name_of(existing))
        attempt = _attempt_of(existing)
        self._delete(self._kind.resource, existing)
        if attempt is not None:
            self._await_end(attempt, _ENDING_SECONDS)
        self._remove_folder(existing)
        self._on_replaced()

    def _living_owner(self, existing: Object) -> str | None:
        """Returns the name of the pod that started a job if this pod runs and is not our own; otherwise None."""
        mine = (self._plan.owner or {}).get("uid")
        for owner in existing["metadata"].get("ownerReferences", ()):
            if owner["kind"] != POD.kind or owner["uid"] == mine:
                continue
            pod = self._api.get(POD, owner["name"])
            if pod is not None and pod["metadata"]["uid"] == owner["uid"]:
                phase = pod.get("status", {}).get("phase")
                if phase not in ("Succeeded", "Failed"):
                    return str(owner["name"])
        return None

    def _remove_folder(self, existing: Object) -> None:
        folder = existing["metadata"].get("annotations", {}).get(FOLDER)
        if folder is None or folder == self._plan.folder:
            return
        try:
            files.remove_folder(folder)
        except (OSError, ConfigError) as error:
            _log.warning("what an earlier attempt left in %s was not removed: %s", folder, error)

    def remove(self, patience: float, grace_seconds: int | None) -> None:
        """Removes all objects of this attempt, and waits until the pods are gone. Other objects stay.

        Args:
          patience: seconds to wait for the pods to end. The log names pods that are left then.
          grace_seconds: seconds for the processes to save; None takes the value in the pods.
        """
        plan = self._plan
        try:
            services = [(SERVICE, name_of(service)) for service in self._kind.services(plan)]
            for resource, name in [(self._kind.resource, plan.name), *services]:
                existing = self._api.get(resource, name)
                if existing is not None and _attempt_of(existing) == plan.attempt:
                    self._delete(resource, existing)
            for pod in self._pods(plan.attempt):
                self._delete(POD, pod, grace_seconds)
            self._await_end(plan.attempt, patience)
        except (TrainingFailedError, UserError) as error:
            _log.error("the objects named %s in %s may be left: %s", plan.name, plan.namespace, error)

    def _delete(self, resource: Resource, existing: Object, grace_seconds: int | None = None) -> None:
        self._api.delete(resource, name_of(existing), existing["metadata"]["uid"], grace_seconds)

    def _await_end(self, attempt: str, patience: float) -> None:
        """Waits until no pod of an attempt is left. Raises TrainingFailedError if some are left after `patience`."""
        deadline = time.monotonic() + patience
        while left := self._pods(attempt):
            if time.monotonic() >= deadline:
                raise TrainingFailedError(
                    f"pods did not end within {patience:g} s: {', '.join(map(name_of, left))}"
                )
            time.sleep(_LOOK_SECONDS)

    def _pods(self, attempt: str) -> list[Object]:
        return self._api.list(POD, {"labelSelector": f"{ATTEMPT}={attempt}"})[0]


def _attempt_of(item: Object) -> str | None:
    found = item["metadata"].get("labels", {}).get(ATTEMPT)
    return None if found is None else str(found)
