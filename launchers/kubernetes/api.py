"""The API server of Kubernetes: a few verbs on plain JSON, through the official client.

The client handles transport, certificates and tokens. Its models and its watch are not used: the models of 26.1 drop
fields that they do not know, and its watch fails if the bytes of one character arrive in two pieces.

An API server answers 429 and 500 when it is busy or restarts, which a training of days must survive. So every request
is tried again for a while, and a request that creates may find its own object.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from limbeck.errors import TrainingFailedError, UserError
from limbeck.launchers.failure import AttemptFailedError
from limbeck.launchers.kubernetes.refusals import AlreadyExistsError, GoneError, message_of, refusal
from limbeck.launchers.kubernetes.resources import POD, Object, Resource

_GONE, _CONFLICT, _NOT_FOUND, _INVALID, _BUSY = 410, 409, 404, 400, 429
_PASSING = frozenset({_BUSY, 500, 502, 503, 504})
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.5, 16.0
# The longest time of one watch. Then the next one continues from there, so a dead connection is noticed in this time.
WATCH_SECONDS = 60
# Reading logs needs a separate right.
LOG = Resource("", "v1", "Pod", "pods/log")


class UnreachableError(AttemptFailedError):
    """The API server did not answer in time, or only with temporary errors."""


class Api:
    """The objects of one namespace."""

    def __init__(
        self,
        client: Any,
        namespace: str,
        patience: float = 120.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Takes the client and its settings.

        Args:
          client: a `kubernetes.client.ApiClient`.
          namespace: namespace of all objects.
          patience: for how many seconds a request is repeated after temporary errors.
          pause: waits a number of seconds.
        """
        self._client, self.namespace, self._patience, self._pause = client, namespace, patience, pause

    def create(self, resource: Resource, body: Object) -> Object:
        """Creates an object, and returns it as the server has it. Raises AlreadyExistsError if there is one."""
        return self._json("create", resource, "POST", resource.path(self.namespace), body=body)

    def get(self, resource: Resource, name: str) -> Object | None:
        """Returns an object; None if there is none."""
        try:
            return self._json("get", resource, "GET", resource.path(self.namespace, name))
        except LookupError:
            return None

    def list(self, resource: Resource, selector: Mapping[str, str]) -> tuple[list[Object], str]:
        """Returns the objects that a selector selects, and the version from which a watch goes on.

        Args:
          resource: the kind of object.
          selector: query parameters, such as `labelSelector`.
        """
        found = self._json("list", resource, "GET", resource.path(self.namespace), query=selector)
        # The items of a list lack `apiVersion` and `kind`.
        kind = {"apiVersion": resource.api_version, "kind": resource.kind}
        return [kind | item for item in found["items"]], str(found["metadata"].get("resourceVersion", ""))

    def watch(self, resource: Resource, selector: Mapping[str, str], version: str) -> Iterator[tuple[str, Object]]:
        """Yields the changes after a version: their type and object. It ends when the server ends it.

        Raises:
          GoneError: if the version is too old.
          OSError: if the connection is cut.
        """
        query = {
            **selector,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        response = self._once("watch", resource, "GET", resource.path(self.namespace), query=query)
        try:
            for line in lines_of(response):
                event = json.loads(line)
                if event["type"] == "ERROR":
                    if event["object"].get("code") == _GONE:
                        raise GoneError
                    raise ConnectionError(f"a watch ended: {event['object'].get('message')}")
                yield str(event["type"]), event["object"]
        finally:
            response.close()

    def delete(self, resource: Resource, name: str, uid: str, grace_seconds: int | None = None) -> None:
        """Asks for the removal of an object, and of what belongs to it. Does nothing if there is none.

        Args:
          resource: the kind of object.
          name: its name.
          uid: its uid. A newer object with the same name is not removed.
          grace_seconds: seconds for the processes of a pod to end; None takes the value in the pod.
        """
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": {"uid": uid},
        }
        if grace_seconds is not None:
            options["gracePeriodSeconds"] = grace_seconds
        try:
            self._json("delete", resource, "DELETE", resource.path(self.namespace, name), body=options)
        except LookupError:
            return

    def log(self, pod: str, container: str, last_lines: int) -> tuple[str, ...]:
        """Returns the last lines of a container's log; empty if there is no log.

        It tries only once, because lines that explain a failure must not cause another one.
        """
        query = {"container": container, "tailLines": str(last_lines)}
        try:
            response = self._once("get", LOG, "GET", POD.path(self.namespace, pod) + "/log", query=query)
            return tuple(lines_of(response))
        except (*PASSING, LookupError, UserError, TrainingFailedError):
            return ()

    def follow_log(self, pod: str, container: str, since: str | None) -> Iterator[str]:
        """Yields the lines of a container's log as they are written, each after its time.

        Args:
          pod: name of the pod.
          container: name of the container.
          since: a time as RFC 3339 has it, before which lines are left out; None for all lines.

        Raises:
          LookupError: if there is no such pod.
          OSError: if the connection is cut.
        """
        query = {"container": container, "follow": "true", "timestamps": "true"}
        if since is not None:
            query["sinceTime"] = since
        response = self._once("get", LOG, "GET", POD.path(self.namespace, pod) + "/log", query=query)
        try:
            yield from lines_of(response)
        finally:
            response.close()

    def _json(self, verb: str, resource: Resource, method: str, path: str, **further: Any) -> Object:
        """Returns the answer to a request. Repeats the request after temporary errors.

        Raises:
          LookupError: if there is no such object.
          UnreachableError: if there is no answer within `patience`.
          Exception: the error of `limbeck.launchers.kubernetes.refusals` for any other answer.
        """
        deadline, shortest = time.monotonic() + self._patience, _SHORTEST_PAUSE
        while True:
            try:
                # The answer is read here, so that the request is repeated if the connection is cut.
                text = "".join(lines_of(self._once(verb, resource, method, path, **further)))
                found: Object = json.loads(text)
            except (*PASSING, json.JSONDecodeError) as error:
                seconds = max(shortest, getattr(error, "retry_after", 0.0))
                if time.monotonic() + seconds > deadline:
                    raise UnreachableError(
                        f"the API server of Kubernetes could not {verb} {resource.title} for {self._patience:g} s: "
                        f"{error}",
                        (),
                    ) from None
            else:
                return found
            self._pause(seconds)
            shortest = min(_LONGEST_PAUSE, 2 * shortest)

    def _once(
        self,
        verb: str,
        resource: Resource,
        method: str,
        path: str,
        *,
        body: Object | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        from kubernetes.client.exceptions import ApiException

        try:
            with _cuts_as_os_errors():
                response, *_ = self._client.call_api(
                    path,
                    method,
                    query_params=list((query or {}).items()),
                    header_params={"Accept": "application/json", "Content-Type": "application/json"},
                    body=body,
                    auth_settings=["BearerToken"],
                    _preload_content=False,
                    _request_timeout=(_CONNECT_SECONDS, _READ_SECONDS + WATCH_SECONDS),
                )
        except ApiException as error:
            raise _meaning(error, verb, resource, self.namespace) from None
        return response


class PassingAnswerError(Exception):
    """The server answered that it cannot handle the request now.

    Attributes:
      retry_after: seconds that the server asks to wait.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        """Takes the message, and the seconds."""
        super().__init__(message)
        self.retry_after = retry_after


# Errors of one try after which another may succeed.
PASSING = (PassingAnswerError, OSError)


@contextlib.contextmanager
def _cuts_as_os_errors() -> Iterator[None]:
    """Raises ConnectionError instead of urllib3's errors, which are not OSErrors."""
    import urllib3

    try:
        yield
    except urllib3.exceptions.HTTPError as error:
        raise ConnectionError(f"{type(error).__name__}: {error}") from None


def lines_of(response: Any) -> Iterator[str]:
    """Yields the lines of an answer as they arrive. The last line may be incomplete.

    Raises:
      OSError: if the connection is cut.
    """
    rest = b""
    with _cuts_as_os_errors():
        for piece in response.stream(amt=None, decode_content=False):
            *whole, rest = (rest + piece).split(b"\n")
            yield from (line.decode("utf-8", errors="replace") for line in whole if line)
    if rest:
        yield rest.decode("utf-8", errors="replace")


def _meaning(error: Any, verb: str, resource: Resource, namespace: str) -> Exception:
    """Returns the exception of ours for one of the client."""
    status, said = int(error.status or 0), message_of(error.body) or str(error.reason)
    if status == 0 or status in _PASSING:
        headers = error.headers or {}
        return PassingAnswerError(f"status {status}: {said}", _seconds(headers.get("Retry-After")))
    if status == _GONE:
        return GoneError(said)
    if status == _CONFLICT and verb == "create":
        return AlreadyExistsError(said)
    if (status == _NOT_FOUND and verb in ("get", "delete")) or (status == _CONFLICT and verb == "delete"):
        # A conflict: the object with this uid is gone, and another object has its name.
        return LookupError(said)
    if status == _INVALID and resource is LOG:
        # The container has not started, so there is no log.
        return LookupError(said)
    return refusal(status, said, verb, resource, namespace)


def _seconds(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
