"""From the log of a task to one sentence."""

import pytest

from limbeck.kubeflow.submit.explain import explained, sentence_of

LAUNCHER = "F1128 22:10:03.001 27 main.go:49] failed to execute component: exit status 2\n"


def test_our_own_message_is_taken_with_all_its_lines() -> None:
    log = f"I1128 22:10:01.1 27 main.go:58] go\nerror: the data are not what they should be:\n  - a\n  - b\n{LAUNCHER}"
    assert sentence_of(log) == "the data are not what they should be:\n  - a\n  - b"


def test_of_two_messages_the_last_one_counts() -> None:
    assert sentence_of("error: first\nerror: second\n") == "second"


def test_an_exception_is_its_last_line() -> None:
    log = (
        "Traceback (most recent call last):\n"
        '  File "x.py", line 1, in <module>\n'
        "KeyError: 'a'\n\n"
        "During handling of the above exception, another exception occurred:\n\n"
        "Traceback (most recent call last):\n"
        "tensorflow.python.framework.errors_impl.NotFoundError: gs://bucket/x; No such file\n"
        f"goodbye\n{LAUNCHER}"
    )
    assert sentence_of(log).startswith("tensorflow.python.framework.errors_impl.NotFoundError: gs://bucket/x")


def test_a_log_of_the_launcher_alone_is_its_last_line() -> None:
    assert sentence_of(f"I1128 22:10:01.1 27 main.go:58] go\n{LAUNCHER}") == LAUNCHER.strip()


def test_an_empty_log_says_nothing() -> None:
    assert sentence_of("\n\n") == ""
    assert explained("") == ""


@pytest.mark.parametrize(
    ("sentence", "remedy"),
    [
        ("/usr/bin/python: No module named limbeck.kubeflow.entrypoint", "does not hold this project"),
        ("ModuleNotFoundError: No module named 'limbeck'", "does not hold this project"),
        ('exec: "python": executable file not found in $PATH', "does not hold this project"),
        ("task module 'mine' cannot be imported: No module named 'mine'", "does not hold the task"),
        ("botocore.exceptions.ClientError: (AccessDenied) when calling the PutObject operation", "below its root"),
        ("w@x does not have storage.objects.create access", "below its root"),
        ("OOMKilled (exit code 137)", "more memory"),
        ("ErrImagePull: rpc error", "cannot be pulled"),
        ("RESOURCE_EXHAUSTED: CustomModelTrainingCPUsPerProjectPerRegion", "quota"),
    ],
)
def test_what_is_known_has_a_remedy(sentence: str, remedy: str) -> None:
    first, second = explained(sentence).split("\n")
    assert first == sentence
    assert remedy in second


def test_what_is_unknown_stays_as_it_is() -> None:
    assert explained("ValueError: 3") == "ValueError: 3"
