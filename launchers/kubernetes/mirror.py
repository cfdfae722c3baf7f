"""Keeps track of some objects of the API server: a list, and then a watch from where the list ended.

A watch alone is not reliable: its connection may be cut, it may end silently, and after a restart the server may not
know the version at which the watch began. Then the objects are listed again, and objects that are missing in the list
were removed in the meantime. Bookmarks keep the position of a watch in which nothing happens.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Iterable, Mapping

from limbeck.launchers.kubernetes.api import PASSING, Api, UnreachableError
from limbeck.launchers.kubernetes.refusals import GoneError
from limbeck.launchers.kubernetes.resources import Object, Resource, name_of

# The pause between a watch that was cut and the next one.
_PAUSE_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class Change:
    """An object as it is now.

    Attributes:
      resource: its kind.
      item: the object. If it was removed: its last state.
      removed: whether the object was removed.
    """

    resource: Resource
    item: Object
    removed: bool = False


Changes = queue.SimpleQueue[Change | Exception]


class Mirror:
    """Puts every change of the selected objects on a queue, or the error that ended the watching."""

    def __init__(
        self,
        api: Api,
        resource: Resource,
        selector: Mapping[str, str],
        changes: Changes,
        known: Iterable[Object] = (),
    ) -> None:
        """Starts to watch.

        Args:
          api: the objects' namespace.
          resource: their kind.
          selector: the query that selects them.
          changes: receives every change.
          known: objects that existed before. If one is not in the first list, it was removed.
        """
        self._api, self._resource, self._selector, self._changes = api, resource, selector, changes
        self._known = {name_of(item): item for item in known}
        self._stopped = threading.Event()
        threading.Thread(target=self._run, name=f"watch-{resource.plural}", daemon=True).start()

    def stop(self) -> None:
        """Ends the watch within `limbeck.launchers.kubernetes.api.WATCH_SECONDS`. It puts nothing more on the queue."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                self._follow(self._list())
        except Exception as error:
            self._put(error)

    def _list(self) -> str:
        items, version = self._api.list(self._resource, self._selector)
        present = {name_of(item) for item in items}
        for name in [name for name in self._known if name not in present]:
            self._see("DELETED", self._known[name])
        for item in items:
            self._see("MODIFIED", item)
        return version

    def _follow(self, version: str) -> None:
        """Watches from a version on. Returns when the objects must be listed again."""
        while not self._stopped.is_set():
            began = time.monotonic()
            try:
                for kind, item in self._api.watch(self._resource, self._selector, version):
                    version = str(item["metadata"]["resourceVersion"])
                    if kind != "BOOKMARK":
                        self._see(kind, item)
            except GoneError:
                return
            except (*PASSING, UnreachableError, ValueError):
                # A ValueError means half a line.
                self._stopped.wait(_PAUSE_SECONDS)
                return
            if time.monotonic() - began < _PAUSE_SECONDS:
                # If a server ends each watch at once, it must not get a thousand requests a second.
                self._stopped.wait(_PAUSE_SECONDS)

    def _see(self, kind: str, item: Object) -> None:
        removed = kind == "DELETED"
        if removed:
            self._known.pop(name_of(item), None)
        else:
            self._known[name_of(item)] = item
        self._put(Change(self._resource, item, removed))

    def _put(self, change: Change | Exception) -> None:
        if not self._stopped.is_set():
            self._changes.put(change)
