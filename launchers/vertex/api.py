"""Sends requests to Vertex AI with Google's own client, and repeats requests that may still succeed.

If the answer to a creation was lost, the job may exist, and a second job would train at the same time. So before the
creation is repeated, the job is searched by its label.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.vertex.body import LABEL, Json

_log = logging.getLogger(__name__)
_Result = TypeVar("_Result")
# HTTP status codes. 499 and 504 are calls that took too long.
_PASSING = frozenset({429, 499, 500, 502, 503, 504})
_UNAUTHENTICATED, _FORBIDDEN, _NOT_FOUND, _INVALID, _BUSY, _CONFLICT = 401, 403, 404, 400, 429, 409
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1.0, 32.0
_CALL_SECONDS = 60.0


class UnreachableError(TrainingFailedError):
    """Vertex AI gave no answer in time."""


class GoneError(Exception):
    """The job does not exist any more."""


class Api:
    """The custom jobs of one project and region."""

    def __init__(
        self,
        project: str,
        region: str,
        *,
        client: Any = None,
        patience: float = 600.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the project and the region of the jobs, and the client.

        Args:
          project: its id.
          region: its name.
          client: a JobServiceClient; by default one with the credentials of this process.
          patience: for how many seconds a request is repeated after temporary errors.
          pause: waits a number of seconds.
        """
        self.project, self.region = project, region
        self._parent = f"projects/{project}/locations/{region}"
        self._client, self._patience, self._pause = client, patience, pause

    def create(self, body: Json) -> str:
        """Creates a job, or finds the one that an earlier try created; returns its resource name.

        Raises:
          UserError: if Vertex AI refuses it.
          UnreachableError: if there is no answer.
        """
        asked = False

        def once() -> str:
            nonlocal asked
            found = self.find(body["labels"][LABEL]) if asked else None
            asked = True
            return found or str(
                self._call("create_custom_job", parent=self._parent, custom_job=_message(body)).name
            )

        return self._patiently("create a custom job", once)

    def find(self, identity: str) -> str | None:
        """Returns the name of the job with this label, or None."""
        request = {"parent": self._parent, "filter": f'labels.{LABEL}="{identity}"'}
        return next((str(job.name) for job in self._call("list_custom_jobs", request=request)), None)

    def get(self, name: str) -> Any:
        """Returns a job. Raises GoneError if it does not exist, and UnreachableError if there is no answer."""
        return self._patiently("read a custom job", lambda: self._call("get_custom_job", name=name))

    def cancel(self, name: str) -> None:
        """Asks a job to end. It may still run for a while. A job that has ended does not change."""
        self._patiently("cancel a custom job", lambda: self._call("cancel_custom_job", name=name))

    def delete(self, name: str) -> None:
        """Removes a job that has ended."""
        self._patiently("delete a custom job", lambda: self._call("delete_custom_job", name=name))

    def _call(self, method: str, **arguments: Any) -> Any:
        if self._client is None:
            self._client = _client(self.region)
        return getattr(self._client, method)(timeout=_CALL_SECONDS, retry=None, **arguments)

    def _patiently(self, doing: str, call: Callable[[], _Result]) -> _Result:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        waited, pause = 0.0, _SHORTEST_PAUSE
        while True:
            try:
                return call()
            except exceptions.GoogleAPICallError as error:
                status, said = int(error.code or 0), str(error.message)
                if status not in _PASSING or (status == _BUSY and _is_quota(said)):
                    raise self._refusal(status, said, doing) from None
            except (RequestException, TransportError, exceptions.RetryError) as error:
                said = str(error)
            except GoogleAuthError as error:
                raise UserError(
                    f"cannot {doing}: the credentials of this process do not work: {error}. Run "
                    "`gcloud auth application-default login`, or give the machine a service account"
                ) from None
            if waited >= self._patience:
                raise UnreachableError(f"cannot {doing}: Vertex AI gave no answer for {waited:.0f} s: {said}")
            _log.warning("cannot %s yet: %s; asking again in %.0f s", doing, said, pause)
            self._pause(pause)
            waited, pause = waited + pause, min(_LONGEST_PAUSE, 2 * pause)

    def _refusal(self, status: int, said: str, doing: str) -> Exception:
        where = f"project {self.project}, region {self.region}"
        remedies = {
            _UNAUTHENTICATED: "the credentials have expired: run `gcloud auth application-default login`",
            _FORBIDDEN: "give the service account the role roles/aiplatform.user, and switch on the API of Vertex AI",
            _BUSY: "ask for more quota, take another region, or fewer and smaller machines (launcher.vertex.machine, "
            "launcher.vertex.accelerators, strategy.workers)",
            _INVALID: "look at the settings launcher.vertex.*",
        }
        if status == _NOT_FOUND and "create" not in doing:
            return GoneError(said)
        if status in (_INVALID, _CONFLICT) and ("cancel" in doing or "delete" in doing):
            # The job has ended in the meantime.
            return GoneError(said)
        remedy = remedies.get(status, f"HTTP status {status}")
        return UserError(f"cannot {doing} in {where}: {said.strip()}. Remedy: {remedy}")


def _is_quota(said: str) -> bool:
    # The limit of calls in a minute is a quota, too, but a temporary one.
    return "quota" in said.lower() and "per minute" not in said.lower() and "requests" not in said.lower()


def _message(body: Json) -> Any:
    from google.cloud.aiplatform_v1.types import CustomJob
    from google.protobuf import json_format

    message = CustomJob()
    json_format.ParseDict(body, CustomJob.pb(message))
    return message


def _client(region: str) -> Any:
    from google.cloud.aiplatform_v1 import JobServiceClient

    return JobServiceClient(
        transport="rest", client_options={"api_endpoint": f"{region}-aiplatform.googleapis.com"}
    )
