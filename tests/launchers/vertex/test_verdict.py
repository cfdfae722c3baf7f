"""Ends of custom jobs -> what is raised: a table."""

import pytest

from limbeck.errors import UserError
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, Failure, TrainingBrokeDownError
from limbeck.launchers.vertex.verdict import Seen, verdict

TITLES = ("teacher chief", "teacher worker 0", "teacher worker 1")
ENDED = "JOB_STATE_FAILED"


def _exits(*exits: tuple[str, int]) -> str:
    return " ".join(
        f"The replica workerpool{name} exited with a non-zero status of {status}. Termination reason: Error."
        for name, status in exits
    )


@pytest.mark.parametrize(
    ("seen", "kind", "message"),
    [
        (
            Seen(ENDED, 3, _exits(("1-1", 1)), ran=True),
            AttemptFailedError,
            "teacher worker 1 ended with exit code 1",
        ),
        (
            Seen(ENDED, 3, _exits(("0-0", 1), ("1-0", 137))),
            AttemptFailedError,
            "teacher worker 0 was killed by SIGKILL",
        ),
        (Seen(ENDED, 3, _exits(("0-0", 42), ("1-0", 42))), AttemptPreemptedError, "was pre-empted"),
        # Whoever saves when a peer is asked to end did not fail; whoever dies of something else did.
        (
            Seen(ENDED, 3, _exits(("0-0", 42), ("1-0", 1))),
            AttemptFailedError,
            "teacher worker 0 ended with exit code 1",
        ),
        (Seen(ENDED, 3, _exits(("0-0", 143)), spot=True), AttemptPreemptedError, "teacher chief was pre-empted"),
        (Seen(ENDED, 3, _exits(("0-0", 143))), AttemptFailedError, "SIGTERM"),
        (Seen(ENDED, 14, "The VM was preempted.", ran=True, spot=True), AttemptPreemptedError, "taken away"),
        (Seen(ENDED, 8, "STOCKOUT in us-central1-a", ran=True, spot=True), AttemptPreemptedError, "taken away"),
        (Seen(ENDED, 8, "STOCKOUT in us-central1-a"), AttemptFailedError, "the custom job failed: STOCKOUT"),
        (
            Seen(ENDED, 7, "trainer@lab lacks storage.objects.get"),
            UserError,
            "a permission is missing: trainer@lab",
        ),
        (Seen(ENDED, 8, "quota custom_model_training_cpus"), UserError, "a quota is used up"),
        (Seen(ENDED, 13, "Internal error", ran=True), AttemptFailedError, "the custom job failed: Internal error"),
        (Seen(ENDED, 13, ""), AttemptFailedError, "Vertex AI does not say why"),
        (Seen("JOB_STATE_CANCELLED", 1, "CANCELED"), UserError, "was cancelled by somebody else"),
        (Seen("JOB_STATE_EXPIRED"), UserError, "raise launcher.vertex.hours"),
        (Seen(ENDED, ran=True, silent={1: 61.0}), AttemptFailedError, "worker 0 said nothing for 61 s"),
        # A reduction server's end names no process that trains.
        (
            Seen(ENDED, 3, _exits(("2-0", 1)), ran=True),
            AttemptFailedError,
            "the custom job failed: The replica workerpool2",
        ),
    ],
)
def test_an_end_is_explained(seen, kind, message):
    error = verdict(seen, TITLES, "LINK")
    assert type(error) is kind and message in str(error)
    if kind is AttemptFailedError:
        assert "logs: LINK" in str(error)


@pytest.mark.parametrize(
    ("failure", "kind"),
    [("user", UserError), ("final", TrainingBrokeDownError), ("passing", AttemptFailedError)],
)
def test_what_a_process_reported_goes_before_what_vertex_says(failure, kind):
    seen = Seen(ENDED, 3, _exits(("0-0", 1)), failures={1: Failure(failure, "label 'x' is unknown")})
    error = verdict(seen, TITLES, "LINK")
    assert type(error) is kind and "label 'x' is unknown" in str(error)


def test_an_exception_is_told_so_that_the_supervisor_knows_it_again():
    seen = Seen(ENDED, 3, _exits(("1-0", 1)), failures={1: Failure("error", "step 7: ValueError: x")})
    error = verdict(seen, TITLES, "LINK")
    assert isinstance(error, AttemptFailedError) and error.exception == "step 7: ValueError: x"


def test_a_job_that_succeeded_is_no_error():
    assert verdict(Seen("JOB_STATE_SUCCEEDED"), TITLES, "LINK") is None
