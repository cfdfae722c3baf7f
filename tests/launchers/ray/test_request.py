"""What the process of an attempt is told, and what it answers."""

import pytest

from limbeck.errors import DamagedDataError, TrainingFailedError, UserError
from limbeck.launchers.cluster import Cluster
from limbeck.launchers.failure import AttemptFailedError, AttemptPreemptedError, TrainingBrokeDownError
from limbeck.launchers.ray.identity import Identity, assert_same
from limbeck.launchers.ray.request import Outcome, Request
from limbeck.records import from_json, to_json
from limbeck.settings.ray import RayConfig
from tests.launchers import jobs


def test_a_request_is_read_as_it_was_written(tmp_path):
    request = Request(jobs.job(tmp_path, 2), Cluster(workers=1), RayConfig(cpus=2), 60.0, "/f", first=True)
    assert from_json(Request, to_json(request)) == request


@pytest.mark.parametrize(
    "error",
    [
        UserError("a mistake"),
        DamagedDataError("damaged"),
        TrainingBrokeDownError("the loss is nan"),
        AttemptPreemptedError("asked to end"),
        AttemptFailedError("the chief died", ["last", "lines"], "after step 7: KeyError"),
        AttemptFailedError("the chief died", []),
    ],
)
def test_an_error_arrives_as_it_was_raised(error):
    found = from_json(Outcome, to_json(Outcome.of(error))).error()
    assert type(found) is type(error) and str(found) == str(error)
    assert getattr(found, "exception", None) == getattr(error, "exception", None)


def test_a_failure_of_no_attempt_may_be_tried_again():
    assert isinstance(Outcome.of(TrainingFailedError("odd")).error(), AttemptFailedError)


def test_an_attempt_that_is_done_raises_nothing():
    assert from_json(Outcome, to_json(Outcome("done"))).error() is None


def test_a_node_with_other_packages_or_other_code_is_refused_with_both_values():
    mine = Identity({"tensorflow": "2.16.2", "numpy": "1.26.4"}, "a" * 64)
    assert_same(mine, mine, "10.0.0.2")
    theirs = Identity({"tensorflow": "2.15.0", "numpy": "1.26.4"}, "b" * 64)
    with pytest.raises(
        UserError, match=r"the node 10\.0\.0\.2 has tensorflow 2\.15\.0 \(the pipeline: 2\.16\.2\); "
    ):
        assert_same(mine, theirs, "10.0.0.2")
