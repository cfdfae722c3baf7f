"""Waits for a run, tells each change, and goes on when the service does not answer.

The clients' own waiting does not do: that of kfp ends at the first lost connection, and never ends for a cancelled
run; that of aiplatform prints nothing between start and end.
"""

from __future__ import annotations

from collections.abc import Callable

from limbeck.kubeflow.submit import patience
from limbeck.kubeflow.submit.errors import PassingError, ServiceError
from limbeck.kubeflow.submit.run import Look, State, Submitted

SECONDS = 5.0
_LONGEST = 60.0
# Of silence, after which nobody can say whether the run is still there.
_LOST_AFTER = 1800.0
_HELD_UP_AFTER = 300.0
_ENDED: frozenset[State] = frozenset({"succeeded", "cached", "skipped", "failed", "cancelled"})


class Watch:
    """Watches one run."""

    def __init__(
        self,
        run: Submitted,
        tell: Callable[[str], None],
        *,
        seconds: float = SECONDS,
    ) -> None:
        """Takes the run.

        Args:
          run: to watch.
          tell: is given each line.
          seconds: between two looks.
        """
        self._run = run
        self._tell = tell
        self._seconds = seconds
        self._tasks: dict[str, State] = {}
        self._state: State | None = None
        self._silent = 0.0
        self._held_up = 0.0

    def until_the_end(self) -> Look:
        """Returns the last look at the run.

        Raises:
          UserError: if the run may not be looked at any more.
          ServiceError: if the service has been silent for half an hour.
        """
        while True:
            look = self._look()
            if look is not None:
                self._show(look)
                if look.final:
                    return look
                patience.pause_for(self._seconds)

    def _look(self) -> Look | None:
        try:
            look = self._run.look()
        except PassingError as error:
            if not self._silent:
                self._tell(f"no answer ({error}); asking again")
            if self._silent > _LOST_AFTER:
                raise ServiceError(
                    f"no answer for {self._silent / 60:.0f} minutes ({error}). The run may go on: {self._run.link}"
                ) from None
            pause = min(error.seconds or max(self._seconds, self._silent), _LONGEST)
            self._silent += pause
            patience.pause_for(pause)
            return None
        if self._silent:
            self._tell("there is an answer again")
        self._silent = 0.0
        return look

    def _show(self, look: Look) -> None:
        if look.state != self._state and not look.final:
            self._tell(f"run: {look.state}")
        changed = {name: state for name, state in look.tasks.items() if self._tasks.get(name) != state}
        ended = sum(state in _ENDED for state in self._tasks.values())
        for name, state in changed.items():
            ended += state in _ENDED and self._tasks.get(name) not in _ENDED
            if state in _ENDED or state == "running":
                self._tell(f"  {ended:2}/{len(look.tasks)} {name:24} {state}")
        moved = bool(changed) or look.state != self._state
        self._state, self._tasks = look.state, dict(look.tasks)
        self._note_hold_up(look, moved=moved)

    def _note_hold_up(self, look: Look, *, moved: bool) -> None:
        before = self._held_up
        self._held_up = 0.0 if moved or not look.held_up else before + self._seconds
        if before < _HELD_UP_AFTER <= self._held_up:
            self._tell(
                f"a task has been waiting for {_HELD_UP_AFTER / 60:.0f} minutes: for a machine that is free, or for an "
                f"image that cannot be pulled. Its events tell which: {self._run.link}"
            )
