"""Sketches the model of a job, to try, cut and export a model that may not fit the memory of the process."""

from __future__ import annotations

import contextlib
import dataclasses

from limbeck.aliases import KerasModel
from limbeck.errors import TaskError
from limbeck.trainer.pipelining.sketch import Made, sketched
from limbeck.trainer.pipelining.variable_handles import plain
from limbeck.trainer.session.models import build_model
from limbeck.trainer.session.session import Session


@dataclasses.dataclass(frozen=True, eq=False)
class Sketch:
    """A model whose variables have shapes and no memory.

    Attributes:
      model: a tf_keras model.
      made: its variables, and others that were created with it, in the order of their creation.
    """

    model: KerasModel
    made: list[Made]

    def fill_the_rest(self) -> None:
        """Sets variables that are not weights of the model to their first values, because no other code sets them."""
        known = {id(plain(one)) for one in self.model.variables if hasattr(one, "dtype")}
        for one in self.made:
            if one.initial is not None and id(one.variable) not in known:
                one.variable.assign(one.initial())


def sketch_of(session: Session) -> Sketch:
    """Builds the model of the job without memory for its variables; with memory if the task's builder reads weights.

    Raises:
      TaskError: as `build_model` does.
    """
    with contextlib.suppress(TaskError), sketched() as made:
        return Sketch(build_model(session), made)
    with sketched(empty=False) as made:
        return Sketch(build_model(session), made)
