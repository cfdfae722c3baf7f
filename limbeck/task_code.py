"""Turns exceptions of the task's own code into a TaskError that shows the task's lines, and no frame of TensorFlow.

An exception in a builder, a layer, an augmentation or a `preprocessing_fn` comes out below sixty frames of Keras and
TensorFlow. If the line ran within a graph, its frames are only text in the message of a runtime error. A launcher
cannot tell it from a lost process, and would try again in vain.
"""

from __future__ import annotations

import contextlib
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from limbeck.errors import TaskError, TrainingFailedError, UserError

_PACKAGE = Path(__file__).parent
_PROGRAM = _PACKAGE.parent / "pipeline.py"
_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (\S+)')
_NOISE = re.compile(
    r"^(Graph execution error:|Detected at node .*|Traceback \(most recent call last\):|in user code:|"
    r"Exception encountered when calling .*|Arguments received by .*|Call arguments received by .*|[•*] .*|"
    r"\[\[\{\{node .*|\(most recent call last\).*|\d+ (root|derived) error.*|\(\d\) .*Error:.*)$"
)
_MARKS = re.compile(
    r"\{\{function_node [^}]*\}\}\s*|\{\{node [^}]*\}\}\s*|\s*\[Op:[^\]]*\](\s*name: \S*)?|\s*\[\[.*?\]\]"
)
_CONVERTED = re.compile(r"outer_factory\.<locals>\.inner_factory\.<locals>\.tf__")
_Frame = tuple[str, int, str]
_LINES = 6
# TensorFlow's names for errors that another attempt may not meet.
_PASSING = (
    "aborted",
    "cancelled",
    "deadline_exceeded",
    "unavailable",
    "resource_exhausted",
    "internal",
    "data_loss",
)
# What TensorFlow and Horovod say in every process whose peer is lost.
_LOST_PEER = ("Collective ops is aborted", "Horovod has been shut down")


@contextlib.contextmanager
def guarded(what: str, *, whole: bool = True) -> Iterator[None]:
    """Returns a context that turns an exception into a TaskError: `what`, the task's own frames, and the exception.

    Args:
      what: the start of the message, such as `task 'wine' cannot build its teacher`.
      whole: True if only the task's code and Keras run inside. Then an exception without a frame of the task, such as
        one of a layer of Keras, counts as the task's too. With False, only exceptions with such a frame count, and no
        exception that another attempt may not meet, such as a lost peer.

    Raises:
      TaskError: instead of an exception of the task. UserError and TrainingFailedError pass unchanged.
    """
    try:
        yield
    except (UserError, TrainingFailedError):
        raise
    except (Exception, SystemExit) as error:
        frames = own_frames(error)
        if not whole and (not frames or may_pass(error)):
            raise
        raise TaskError(f"{what}:\n" + "\n".join([*frames, summary(error)])) from error


def own_frames(error: BaseException) -> list[str]:
    """Returns the frames of `error` that are in the task's code, outermost first, as Python shows them.

    They are the frames in its traceback, in its causes and in its message that are neither ours nor of an installed
    package. Frames of our callers are not among them.
    """
    found: dict[tuple[str, int], str] = {}
    for one in _chain(error):
        called = [
            (frame.filename, frame.lineno or 0, frame.name) for frame in traceback.extract_tb(one.__traceback__)
        ]
        said = [(file, int(line), function) for file, line, function in _FRAME.findall(str(one))]
        for file, line, function in (*_below_us(called), *_below_us(said)):
            found.setdefault((file, line), function)
    return [_shown(file, line, function) for (file, line), function in found.items() if _is_own(file)]


def summary(error: BaseException) -> str:
    """Returns the text of an exception without the frames and node names in its message: `ValueError: ...`."""
    kept: list[str] = []
    lines = iter(str(error).splitlines())
    for line in lines:
        if _FRAME.search(line):
            # Skips the source line below it.
            next(lines, "")
            continue
        plain = _CONVERTED.sub("", _MARKS.sub("", line)).strip()
        if plain and not _NOISE.match(plain) and not set(plain) <= set("^~* ") and plain not in kept:
            kept.append(plain)
    name = type(error).__name__
    text = "\n".join(kept[:_LINES]) or "(it says nothing)"
    return text if re.match(r"[A-Za-z_.]*(Error|Exception)\b", text) else f"{name}: {text}"


def may_pass(error: BaseException) -> bool:
    """Returns whether another attempt may succeed: after a lost peer, absent storage, or a lack of memory."""
    if isinstance(error, OSError | MemoryError) or any(words in str(error) for words in _LOST_PEER):
        return True
    # Recognises tf.errors.OpError without importing TensorFlow.
    return any(re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower().removesuffix("_error") in _PASSING
               for kind in type(error).__mro__)  # fmt: skip


def _chain(error: BaseException) -> list[BaseException]:
    """Returns the exception and its causes, newest first."""
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found:
        found.append(following)
        following = following.__cause__ or following.__context__
    return found


def _below_us(frames: list[_Frame]) -> list[_Frame]:
    ours = [number for number, (file, _, _) in enumerate(frames) if _is_ours(file)]
    return frames[ours[0] :] if ours else frames


def _is_own(file: str) -> bool:
    path = Path(file)
    if file.startswith("<") or path.name.startswith("__autograph_generated") or "site-packages" in path.parts:
        return False
    return not _is_ours(file) and not path.is_relative_to(sysconfig.get_path("stdlib"))


def _is_ours(file: str) -> bool:
    """Returns whether a file is our own code. The built-in tasks are not."""
    path = Path(file)
    return path == _PROGRAM or (path.is_relative_to(_PACKAGE) and not path.is_relative_to(_PACKAGE / "tasks"))


def _shown(file: str, line: int, function: str) -> str:
    return traceback.format_list([traceback.FrameSummary(file, line, function)])[0].rstrip()
