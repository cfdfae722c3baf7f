"""What a failed task said, as one sentence with a remedy.

A log holds the launcher's lines, TensorFlow's warnings and a traceback; a user needs the one line that says why.
"""

from __future__ import annotations

import re

_LAUNCHER = re.compile(r"[IWEF]\d{4} \d\d:\d\d:\d\d|time=\"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d")
_OWN = "error: "
_RAISED = re.compile(r"[A-Za-z_][\w.]*(Error|Exception|Interrupt|Exit|NotFound)\b(: .*)?")
_LONGEST_LINES = 12
_REMEDIES = (
    (
        re.compile(
            r"No module named '?(kubeflow|limbeck|components|trainer|launchers|pipeline)\b|executable file not found"
        ),
        "The image does not hold this project: build it again, and compile with its name as --image",
    ),
    (
        re.compile(r"task module '.*' cannot be imported|No module named|No such file or directory: '.*\.py'"),
        "The image does not hold the task, or something that the task imports: put it into the image, in the folder "
        "that it had when it was compiled, and compile with that image as --image",
    ),
    (
        re.compile(
            r"AccessDenied|NoSuchBucket|storage\.(objects|buckets)\.\w+|Anonymous caller|bucket does not exist|"
            r"PutObject|InvalidAccessKeyId|SignatureDoesNotMatch",
            re.IGNORECASE,
        ),
        "The run may not write below its root: give the service account of the run the right to read and write "
        "objects there, or submit with another --root",
    ),
    (
        re.compile(r"OOMKilled|out of memory|exit code 137|signal: killed|SIGKILL", re.IGNORECASE),
        "The task took more memory than it may: give it more, or set a smaller training.batch_size",
    ),
    (
        re.compile(r"ErrImagePull|ImagePullBackOff|[Ff]ailed to pull image|Unable to pull|image .* not found"),
        "The image cannot be pulled: push it, let the nodes pull it, and compile with its name as --image",
    ),
    (
        re.compile(r"RESOURCE_EXHAUSTED|[Qq]uota"),
        "A quota is used up: ask for more, or run where there is some left",
    ),
)


def sentence_of(log: str) -> str:
    """Returns the message in a task's log: ours, or the exception's, or the last line; "" if the log is empty."""
    lines = [line.rstrip() for line in log.splitlines()]
    for number in reversed(range(len(lines))):
        if lines[number].startswith(_OWN):
            return _message(lines[number:])
    said = [line for line in lines if line and not _LAUNCHER.match(line)]
    raised = [line for line in said if _RAISED.fullmatch(line)]
    if raised:
        return raised[-1]
    left = said or [line for line in lines if line]
    return left[-1].strip() if left else ""


def explained(sentence: str) -> str:
    """Returns the sentence, with what to do about it if that is known."""
    for pattern, remedy in _REMEDIES:
        if pattern.search(sentence):
            return f"{sentence}\n{remedy}"
    return sentence


def _message(lines: list[str]) -> str:
    kept = [lines[0].removeprefix(_OWN)]
    for line in lines[1:_LONGEST_LINES]:
        if not line or _LAUNCHER.match(line):
            break
        kept.append(line)
    return "\n".join(kept)
