"""Retries by Argo's rules, on a clock of our own."""

from typing import Any

import pytest

from limbeck.kubeflow.simulate.record import Attempt, Ended, Phase, Step
from limbeck.kubeflow.simulate.workflow.argo import Argo
from limbeck.kubeflow.simulate.workflow.document import Workflow
from limbeck.kubeflow.simulate.workflow.retrying import Times, decide


class Hands:
    """A clock that is put forward only."""

    def __init__(self) -> None:
        self.time = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        """The present."""
        return self.time

    def skip(self, seconds: float) -> None:
        """Lets a pause pass."""
        self.pauses.append(seconds)
        self.time += seconds


class Failing:
    """Pods that take ten seconds each, and succeed at last."""

    def __init__(self, clock: Hands, good: int, phase: Phase = "Failed") -> None:
        self.attempts: list[Attempt] = []
        self._clock, self._good, self._phase = clock, good, phase

    def run(
        self, node: str, template: dict[str, Any], values: dict[str, str], attempt: Attempt
    ) -> tuple[Step, Ended]:
        """Fails until the attempt that is good."""
        assert values["retries"] == str(attempt.number)
        self.attempts.append(attempt)
        self._clock.time += 10
        return Step(node, "EXECUTOR"), Ended("Succeeded" if attempt.number == self._good else self._phase)


def strategy(limit: str, duration: str, factor: str, longest: str) -> dict[str, Any]:
    """A retry strategy."""
    return {"limit": limit, "backoff": {"duration": duration, "factor": factor, "maxDuration": longest}}


def run(policy: dict[str, Any], good: int, phase: Phase = "Failed") -> tuple[Phase | None, Hands, Failing]:
    """Runs one pod with a policy."""
    clock = Hands()
    pods = Failing(clock, good, phase)
    tasks = [{"name": "a", "template": "pod"}]
    templates = {"entrypoint": {"dag": {"tasks": tasks}}, "pod": {"container": {}, "retryStrategy": policy}}
    history = Argo(Workflow(templates, {}, {}), pods, clock, {}).run()  # type: ignore[arg-type]
    return history.phase, clock, pods


def test_pauses_grow_by_the_factor() -> None:
    phase, clock, pods = run(strategy("5", "3", "2", ""), good=3)
    assert phase == "Succeeded"
    assert clock.pauses == [3, 6, 12]
    assert [attempt.number for attempt in pods.attempts] == [0, 1, 2, 3]


def test_the_limit_counts_retries() -> None:
    phase, _, pods = run(strategy("2", "0", "0", ""), good=9)
    assert (phase, len(pods.attempts)) == ("Failed", 3)


@pytest.mark.parametrize(("longest", "attempts"), [("0", 1), ("12", 1), ("14", 2), ("30", 3), ("", 6)])
def test_the_longest_duration_bounds_all_attempts_together(longest: str, attempts: int) -> None:
    phase, _, pods = run(strategy("5", "3", "1", longest), good=9)
    assert (phase, len(pods.attempts)) == ("Failed", attempts)


def test_a_further_attempt_may_take_no_longer_than_that() -> None:
    _, _, pods = run(strategy("5", "3", "1", "30"), good=9)
    assert [attempt.deadline for attempt in pods.attempts] == [None, 17, 4]


def test_a_fraction_as_factor_is_an_error() -> None:
    assert run(strategy("5", "3", "1.5", "60"), good=9)[0] == "Error"
    # The longest duration is looked at before.
    assert run(strategy("5", "3", "1.5", "0"), good=9)[0] == "Failed"


def test_a_pod_that_could_not_be_started_is_not_tried_again() -> None:
    phase, _, pods = run(strategy("5", "0", "0", ""), good=9, phase="Error")
    assert (phase, len(pods.attempts)) == ("Error", 1)


def test_a_verdict_says_why() -> None:
    times = Times(attempts=3, started=0, ended=30, now=30)
    assert decide(strategy("2", "0", "0", ""), times).reason == "no more retries left"
    assert "backoffMaxDuration" in decide(strategy("9", "0", "0", "20"), times).reason
