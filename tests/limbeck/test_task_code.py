"""What is shown of an exception of the task's code. Whole trainings: `tests/trainer/session/test_mistakes.py`."""

import pytest

from limbeck import task_code
from limbeck.errors import DataError, TaskError, TrainingFailedError

OURS = task_code.__file__
RUNTIME = f"""Graph execution error:

Detected at node model/odd/Reshape defined at (most recent call last):
  File "/usr/lib/python3.10/runpy.py", line 196, in _run_module_as_main
    return _run_code(code)

  File "/somewhere/notebook.py", line 3, in main
    launch()

  File "{OURS}", line 50, in run
    step()

  File "/env/lib/python3.10/site-packages/tf_keras/src/layer.py", line 9, in __call__
    return call_fn()

  File "/task/wrong.py", line 22, in call
    return tf.reshape(x, [7, 2])

Input to reshape is a tensor with 64 values, but the requested shape has 14
\t [[{{{{node model/odd/Reshape}}}}]] [Op:__inference_call_517]"""


class UnavailableError(Exception):
    """As TensorFlow names it."""


class RemoteUnavailableError(UnavailableError):
    pass


def test_of_a_runtime_error_the_lines_of_the_task_and_the_reason_are_left():
    error = ValueError(RUNTIME)
    # Whoever called us is not among them, nor what is installed.
    assert task_code.own_frames(error) == ['  File "/task/wrong.py", line 22, in call']
    assert task_code.summary(error) == (
        "ValueError: Input to reshape is a tensor with 64 values, but the requested shape has 14"
    )


def test_an_exception_becomes_an_error_of_the_task():
    with pytest.raises(TaskError) as caught, task_code.guarded("task 'a' cannot build its teacher"):
        raise KeyError("width")
    first, frame, *_, last = str(caught.value).splitlines()
    assert first == "task 'a' cannot build its teacher:"
    assert last == "KeyError: 'width'"
    assert __file__ in frame
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("error", [DataError("d"), TaskError("t"), TrainingFailedError("f")])
def test_what_is_told_already_is_left_as_it_is(error):
    with pytest.raises(type(error)) as caught, task_code.guarded("it fails"):
        raise error
    assert caught.value is error


def test_where_others_run_as_well_an_exception_without_a_line_of_the_task_is_not_the_tasks():
    error = RuntimeError("ours")
    body = "with guarded('it fails', whole=False):\n    raise error"
    with pytest.raises(RuntimeError) as caught:
        exec(compile(body, OURS, "exec"), {"error": error, "guarded": task_code.guarded})
    assert caught.value is error
    assert task_code.own_frames(error) == []


@pytest.mark.parametrize("error", [
    OSError("503"), MemoryError(), UnavailableError(), RemoteUnavailableError(),
    RuntimeError("Collective ops is aborted by: a peer is gone"),
])  # fmt: skip
def test_what_another_try_may_be_spared_is_no_mistake_of_the_task(error):
    assert task_code.may_pass(error)
    with pytest.raises(type(error)), task_code.guarded("it fails", whole=False):
        raise error


@pytest.mark.parametrize("error", [ValueError("a"), KeyError("a"), ZeroDivisionError()])
def test_what_comes_again_is_not_spared(error):
    assert not task_code.may_pass(error)
    assert task_code.summary(error).startswith(type(error).__name__)
