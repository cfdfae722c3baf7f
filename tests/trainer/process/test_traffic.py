"""What a process says that it moved, beside what it moved."""

import socket
import threading
from pathlib import Path

import pytest

from limbeck.trainer.process import traffic
from limbeck.trainer.process.traffic import Meter, RowCounter


def test_files_are_counted_by_what_was_read_and_written(tmp_path: Path):
    meter = Meter()
    (tmp_path / "it").write_bytes(bytes(1_000_000))
    half = meter.read()
    (tmp_path / "it").read_bytes()
    whole = meter.read()
    assert half.written is not None and half.read is not None
    assert whole.written is not None and whole.read is not None
    # Also counted: what the count itself reads, and whatever other threads do.
    assert 1_000_000 <= half.written < 1_100_000
    assert 1_000_000 <= whole.read - half.read < 1_100_000


@pytest.mark.parametrize(("family", "address"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_connections_are_counted_at_both_ends(family: int, address: str):
    try:
        server = socket.create_server((address, 0), family=family)
    except OSError as error:
        pytest.skip(f"this machine has no {address}: {error}")
    before = traffic.through_connections()
    with server, socket.create_connection(server.getsockname()[:2]) as ours:
        theirs, _ = server.accept()
        with theirs:
            reader = threading.Thread(target=lambda: [theirs.recv(1 << 16, socket.MSG_WAITALL) for _ in range(16)])
            reader.start()
            ours.sendall(bytes(1 << 20))
            reader.join()
            theirs.sendall(bytes(1000))
            ours.recv(1000, socket.MSG_WAITALL)
            after = traffic.through_connections()
            assert before is not None and after is not None
            # A SYN of each end counts as a byte.
            assert 0 <= after[0] - before[0] - (1 << 20) - 1000 <= 2
            assert after[1] - before[1] == (1 << 20) + 1000
    assert traffic.through_connections() == before


def test_a_kernel_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(traffic, "by_calls", lambda: None)
    monkeypatch.setattr(traffic, "through_connections", lambda: None)
    left = Meter().read()
    assert (left.rows, left.read, left.written, left.sent, left.received) == (0, None, None, None, None)


def test_threads_add_to_one_count():
    counter = RowCounter()
    threads = [threading.Thread(target=lambda: [counter.add(3) for _ in range(5000)]) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert counter.bytes == 60_000
