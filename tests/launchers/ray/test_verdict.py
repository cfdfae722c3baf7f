"""Why an attempt ended that did not end well: from exits, failure files, and what Ray said of its actors."""

import dataclasses

import pytest

from limbeck import files
from limbeck.errors import UserError
from limbeck.launchers.failure import AttemptFailedError, Ending, Exit
from limbeck.launchers.ray import attempt, connection
from limbeck.launchers.ray.identity import Identity
from limbeck.launchers.ray.placement import Place

PLACE = Place("10.0.0.2", "node", 4000, Identity({}, ""))


@dataclasses.dataclass
class Seen:
    """A process as the attempt has seen it."""

    rank: int
    title: str
    lost: str | None = None
    place: Place = PLACE

    def last_lines(self):
        return (f"last words of {self.title}",)


@pytest.fixture
def verdict(tmp_path, monkeypatch):
    def verdict(ending, lost, *, alive=True, told=None):
        monkeypatch.setattr(connection, "is_alive", lambda node: alive)
        if told is not None:
            files.write_text(tmp_path / "failure-0.json", told)
        processes = [Seen(0, "teacher chief"), Seen(1, "teacher worker 0", lost)]
        return attempt._verdict(
            ending, processes, {rank: str(tmp_path / f"failure-{rank}.json") for rank in (0, 1)}
        )

    return verdict


BOTH = Ending((Exit(0, 1), Exit(1, -9)), {})
CHIEF_ALONE = Ending((Exit(0, 1),), {})


@pytest.mark.parametrize(
    ("alive", "words"),
    [(False, "Ray lost the node 10.0.0.2"), (True, "its actor no longer answers from the node")],
)
@pytest.mark.parametrize("ending", [BOTH, CHIEF_ALONE])
def test_a_lost_actor_explains_why_its_peer_failed(verdict, ending, alive, words):
    error = verdict(ending, "the actor is dead", alive=alive)
    assert isinstance(error, AttemptFailedError)
    assert error.reason.startswith(f"teacher worker 0 is gone: {words}") and "the actor is dead" in error.reason
    assert error.lines == ("last words of teacher worker 0",)


def test_a_mistake_of_the_user_stays_one_whatever_became_of_the_nodes(verdict):
    error = verdict(BOTH, "the actor is dead", told='{"kind": "user", "message": "label x is unknown"}')
    assert isinstance(error, UserError) and str(error) == "label x is unknown"


def test_without_a_lost_actor_the_exit_code_is_told(verdict):
    assert verdict(CHIEF_ALONE, None).reason == "teacher chief ended with exit code 1"
