"""Exceptions of the task's own code -> a TaskError that shows the task's own lines, and no frame of TensorFlow.

Whatever a builder, a layer, an augmentation or a `preprocessing_fn` raises comes out below sixty frames of Keras and
TensorFlow; some of it comes as text within the message of an error of the runtime, because the line ran within a
graph. To a launcher it looks like a process that was lost, and it is tried again in vain.
"""

from __future__ import annotations

import contextlib
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from limbeck.errors import TaskError, TrainingFailedError, UserError

_ROOT = Path(__file__).parent.parent
# Ours; the built-in tasks are not among them.
_OURS = ("limbeck", "trainer", "launchers", "report", "components", "kubeflow", "cli", "pipeline.py")
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
# What TensorFlow calls an error that another try may well be spared.
_PASSING = (
    "aborted",
    "cancelled",
    "deadline_exceeded",
    "unavailable",
    "resource_exhausted",
    "internal",
    "data_loss",
)
_LOST_PEER = "Collective ops is aborted"


@contextlib.contextmanager
def guarded(what: str, *, whole: bool = True) -> Iterator[None]:
    """A context in which an exception becomes a TaskError: `what`, the task's own frames, and the exception itself.

    Args:
      what: the beginning of the message, such as `task 'wine' cannot build its teacher`.
      whole: nothing but the task's code and Keras runs inside, so an exception without a frame of the task, such as
        one of a stock layer, is the task's as well. False takes only those with such a frame, and never one that
        another try may be spared, such as a lost peer.

    Raises:
      TaskError: in place of an exception of the task. UserError and TrainingFailedError pass as they are.
    """
    try:
        yield
    except (UserError, TrainingFailedError):
        raise
    except Exception as error:
        frames = own_frames(error)
        if not whole and (not frames or may_pass(error)):
            raise
        raise TaskError(f"{what}:\n" + "\n".join([*frames, summary(error)])) from error


def own_frames(error: BaseException) -> list[str]:
    """The frames of `error` that are neither ours nor of an installed package, outermost first, as Python shows them.

    Those of its traceback and of its causes, and those within its message. Whoever called us is not among them.
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
    """What an exception says, without the frames and node names within its message: `ValueError: ...`."""
    kept: list[str] = []
    lines = iter(str(error).splitlines())
    for line in lines:
        if _FRAME.search(line):
            # The source line below it.
            next(lines, "")
            continue
        plain = _CONVERTED.sub("", _MARKS.sub("", line)).strip()
        if plain and not _NOISE.match(plain) and not set(plain) <= set("^~* ") and plain not in kept:
            kept.append(plain)
    name = type(error).__name__
    text = "\n".join(kept[:_LINES]) or "(it says nothing)"
    return text if re.match(r"[A-Za-z_.]*(Error|Exception)\b", text) else f"{name}: {text}"


def may_pass(error: BaseException) -> bool:
    """Whether another try may be spared the exception: a lost peer, a file system that is away, lack of memory."""
    if isinstance(error, OSError | MemoryError) or _LOST_PEER in str(error):
        return True
    # tf.errors.OpError, without TensorFlow.
    return any(re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower().removesuffix("_error") in _PASSING
               for kind in type(error).__mro__)  # fmt: skip


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and its causes, newest first."""
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
    return any(Path(file).is_relative_to(_ROOT / name) for name in _OURS)


def _shown(file: str, line: int, function: str) -> str:
    return traceback.format_list([traceback.FrameSummary(file, line, function)])[0].rstrip()
