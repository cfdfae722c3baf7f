"""The load, the client and the search of benchmarks/serving: what they say of servers whose times are known."""

import asyncio
import contextlib
import dataclasses
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from benchmarks.serving.client import Request, send
from benchmarks.serving.figures import OURS, PEER, Figures, Setup, against, lines, medians
from benchmarks.serving.load import Outcome, arrivals, percentile
from benchmarks.serving.search import highest_rate


def test_arrivals_are_a_poisson_process_of_the_rate():
    times = arrivals(100.0, 200.0, 3)
    assert np.all(np.diff(times) > 0)
    assert times[-1] < 200
    assert len(times) == pytest.approx(20_000, abs=4 * 20_000**0.5)
    gaps = np.diff(times)
    # Mean and standard deviation of exponential gaps are equal.
    assert gaps.mean() == pytest.approx(0.01, rel=0.03)
    assert gaps.std() == pytest.approx(0.01, rel=0.05)
    np.testing.assert_array_equal(times, arrivals(100.0, 200.0, 3))
    np.testing.assert_allclose(arrivals(200.0, 100.0, 3), times / 2)
    assert not np.array_equal(times[:10], arrivals(100.0, 200.0, 4)[:10])


@pytest.mark.parametrize(("rate", "seconds"), [(0, 1), (1, 0), (-1, 1)])
def test_loads_without_sense_are_refused(rate, seconds):
    with pytest.raises(ValueError, match="must be above 0"):
        arrivals(rate, seconds, 0)


def test_percentiles_are_those_of_numpy():
    values = np.random.default_rng(0).permutation(np.arange(1.0, 1001))
    for share in (0.001, 0.07, 0.5, 0.99, 0.999, 1.0):
        assert percentile(values, share) == np.quantile(values, share, method="inverted_cdf"), share
    with pytest.raises(ValueError, match="a share must be"):
        percentile(values, 0)


def test_a_request_without_an_answer_is_infinitely_slow():
    arrived = np.arange(100.0)
    outcome = Outcome(1.0, arrived, np.zeros(100), arrived + 0.01)
    assert outcome.holds(0.99, 0.011)
    assert not outcome.holds(0.99, 0.009)
    lost = dataclasses.replace(outcome, answered=np.where(arrived == 50, np.nan, outcome.answered))
    assert (lost.unanswered, lost.latency(1.0)) == (1, math.inf)
    assert not lost.holds(0.5, 1.0)
    assert not dataclasses.replace(outcome, failures=1).holds(0.5, 1.0)
    with pytest.raises(ValueError, match="as many arrivals"):
        Outcome(1.0, arrived, np.zeros(99), arrived)


@pytest.mark.parametrize("first", [1.0, 90.0, 100.0, 110.0, 4000.0])
def test_the_highest_rate_is_found_from_either_side(first):
    asked = []

    def holds(rate):
        asked.append(rate)
        return rate <= 100

    found = highest_rate(holds, first, 1.25, 0.05)
    assert found <= 100 < found * 1.05
    assert len(asked) <= 15


def test_a_server_that_bears_nothing_is_told():
    assert highest_rate(lambda _: False, 100.0, 1.5, 0.1) == 0.0
    with pytest.raises(ValueError, match="step above 1"):
        highest_rate(lambda _: True, 100.0, 1.0, 0.1)


@contextlib.contextmanager
def server(answer):
    """A server on a free port, which answers by a coroutine of the number of the request. Yields the port."""
    loop, ready, numbers = asyncio.new_event_loop(), threading.Event(), iter(range(10**6))
    ports = []

    async def serve(reader, writer):
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                await reader.readuntil(b"\r\n\r\n{}")
                # In two parts, as a network may.
                for part in await answer(next(numbers)):
                    writer.write(part)
                    await writer.drain()
                    await asyncio.sleep(0)

    async def start():
        listening = await asyncio.start_server(serve, "127.0.0.1", 0)
        ports.append(listening.sockets[0].getsockname()[1])
        ready.set()

    def run():
        loop.run_until_complete(start())
        loop.run_forever()
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert ready.wait(60)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def request(port):
    return Request(port, "/v2/models/student/infer", b"{}")


def test_every_request_is_sent_and_answered():
    async def answer(number):
        status = b"HTTP/1.1 200 OK\r\n" if number != 7 else b"HTTP/1.1 400 Bad Request\r\n"
        return status + b"Content-", b"Length: 4\r\n\r\nab", b"cd"

    times = arrivals(400.0, 0.25, 1)
    with server(answer) as port:
        outcome = send(request(port), 400.0, times, 8, 10.0)
    assert outcome.failures == outcome.unanswered == 1
    assert np.all(outcome.answered >= times)


def test_latencies_count_from_the_schedule_and_not_from_the_sending():
    """One connection, and a first answer that takes as long as the whole load: the others wait, and that counts."""
    release = []

    async def answer(number):
        if not number:
            await asyncio.sleep(0.3)
            release.append(number)
        return (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",)

    times = np.arange(20) * 0.01
    with server(answer) as port:
        outcome = send(request(port), 100.0, times, 1, 10.0)
    assert release == [0]
    assert outcome.unanswered == 0
    # A client that begins to count when it sends would find all but the first one quick.
    assert outcome.answered.min() >= 0.3
    assert np.all(outcome.answered - times >= 0.3 - times)


def test_a_server_that_never_answers_ends_the_load():
    async def answer(number):
        await asyncio.sleep(3600)

    with server(answer) as port:
        outcome = send(request(port), 100.0, np.arange(5) * 0.01, 2, 0.1)
    assert outcome.unanswered == 5
    assert outcome.throughput == 0.0


def test_the_table_compares_with_the_better_peer():
    def round_of(rate):
        return Figures(rate, 1.0, 50.0, 2.0, 3.0, 0.1)

    rounds = {
        Setup("student", OURS, 1): [round_of(100), round_of(300), round_of(210)],
        Setup("student", PEER, 1, 1): [round_of(100)],
        Setup("student", PEER, 1, 2): [round_of(200)],
        Setup("student", PEER, 32, 2): [round_of(1000)],
        Setup("student", OURS, 1, 2): [round_of(400)],
        Setup("teacher", OURS, 1): [round_of(21)],
        Setup("teacher", OURS, 1, 2): [round_of(50)],
    }
    assert medians(rounds[Setup("student", OURS, 1)]).highest == 210
    told = lines(rounds)[2:]
    assert told[0] == "| student | Limbeck | no | 210 | 1.05 | 1.00 | 50 | 2.0 | 3.0 |"
    assert told[2] == "| student | Triton, 2 instances | no | 200 |  | 1.00 | 50 | 2.0 | 3.0 |"
    assert told[4] == "| student | Limbeck, 2 workers | no | 400 | 2.00 | 1.00 | 50 | 2.0 | 3.0 |"
    assert against(rounds, "student", "teacher") == [
        "student, without batches: 10.0 × the requests/s of teacher.",
        "student, without batches, 2 workers: 8.0 × the requests/s of teacher.",
    ]


# A benchmark with one server, which answers whatever it is asked.
BENCHMARK = """
import sys, time
from pathlib import Path
from benchmarks.serving import main, servers
SERVER = '''
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''
main.end_by_exception()
port = servers._free_port()
with servers._running([sys.executable, "-c", SERVER, str(port)], None, port, Path(sys.argv[1])) as server:
    print(server, flush=True)
    time.sleep(600)
"""


@pytest.mark.processes
def test_a_benchmark_that_is_told_to_end_leaves_no_server_behind(tmp_path: Path):
    """SIGTERM, as `timeout` and CI send it, ended the benchmark alone, and its servers went on."""
    command = [sys.executable, "-c", BENCHMARK, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as benchmark:
        assert benchmark.stdout is not None
        server = psutil.Process(int(benchmark.stdout.readline()))
        os.kill(benchmark.pid, signal.SIGTERM)
        assert benchmark.wait(60) == 128 + signal.SIGTERM
    assert psutil.wait_procs([server], timeout=10)[1] == []
