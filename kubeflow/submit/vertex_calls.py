"""Calls of Google's clients: their errors become ours, and they say nothing of their own."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from limbeck.errors import UserError
from limbeck.kubeflow.submit import vertex_errors
from limbeck.kubeflow.submit.errors import PassingError, ServiceError
from limbeck.kubeflow.submit.run import Place

Result = TypeVar("Result")
# Google's clients wait for ever otherwise.
SECONDS = 60.0


class Ask:
    """Calls of Google's clients, whose errors become ours."""

    def __init__(self, place: Place, root: str, patience: Callable[..., Any]) -> None:
        """Takes what messages name.

        Args:
          place: that is asked.
          root: pipeline root of the run.
          patience: calls a function again after a PassingError.
        """
        self._place = place
        self._root = root
        self._patience = patience

    def once(self, call: Callable[[], Result]) -> Result:
        """Returns what the call returns. Raises UserError, PassingError or ServiceError."""
        try:
            with quietly():
                return call()
        except (UserError, PassingError, ServiceError):
            raise
        except Exception as error:
            raise vertex_errors.told(error, self._place.project, self._place.region, self._root) from None

    def patiently(self, call: Callable[[], Result], *, repeatable: bool = True) -> Result:
        """Returns what the call returns, asked again after a PassingError."""
        result: Result = self._patience(lambda: self.once(call), repeatable=repeatable)
        return result


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """aiplatform's libraries warn of their own future, and log what is told here in other words."""
    logger = logging.getLogger("google.cloud.aiplatform")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
