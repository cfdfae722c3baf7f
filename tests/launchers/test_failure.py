import signal

import pytest

from limbeck.launchers.failure import Exit, Failure, blame, describe, read_failure
from limbeck.trainer.process.preemption import EXIT_CODE


@pytest.mark.parametrize(
    ("codes", "rank"),
    [
        ([1], 0),
        ([1, 1], 0),
        ([1, -signal.SIGKILL], 1),
        ([1, -signal.SIGSEGV, -signal.SIGKILL], 1),
        ([-signal.SIGKILL, 1], 0),
        ([1, -signal.SIGABRT], 0),
        ([-signal.SIGABRT, 1], 0),
        ([-signal.SIGABRT, -signal.SIGKILL], 1),
        ([EXIT_CODE, EXIT_CODE], 0),
        ([EXIT_CODE, 1], 1),
        ([EXIT_CODE, -signal.SIGABRT, -signal.SIGKILL], 2),
    ],
)
def test_blame(codes, rank):
    exits = [Exit(rank, code) for rank, code in enumerate(codes)]
    assert blame(exits) == exits[rank]


def test_describe_names_signals():
    assert describe(2) == "ended with exit code 2"
    assert describe(-signal.SIGSEGV) == "was killed by SIGSEGV"
    assert describe(-signal.SIGKILL).startswith("was killed by SIGKILL")
    assert describe(-(signal.SIGRTMIN + 1)) == f"was killed by signal {signal.SIGRTMIN + 1}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b'{"kind": "user", "message": "m"}', Failure(kind="user", message="m")),
        (b'{"kind": "final", "message": "m"}', Failure(kind="final", message="m")),
        (b'{"kind": "error", "message": "m"}', Failure(kind="error", message="m")),
        (b'{"kind": "ours", "message": "m"}', None),
        (b'{"kind": "user"', None),
        (b"\xff", None),
        (b"", None),
    ],
)
def test_read_failure(tmp_path, written, expected):
    path = tmp_path / "failure.json"
    path.write_bytes(written)
    assert read_failure(str(path)) == expected


def test_read_failure_without_a_file(tmp_path):
    assert read_failure(str(tmp_path / "failure.json")) is None
