"""`serve` and `rollback`, as their users call them: real students, a real server, clients that others have written."""

from __future__ import annotations

import contextlib
import dataclasses
import http.client
import json
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import tensorflow as tf

from limbeck.components.pusher.push import push
from limbeck.settings.compression import CompressionConfig
from limbeck.trainer import compressing, training
from limbeck.trainer.serving.compressed import FOLDER
from tests import ended as processes
from tests.cli import program
from tests.server.ports import free_port
from tests.trainer import world as worlds

pytestmark = [pytest.mark.long, pytest.mark.processes]
PYTHON = program.PROJECT / ".venv-server" / "bin" / "python"
TRITON_CLIENT = program.PROJECT / "tests" / "server" / "triton_client.py"
X = [row["x"] for row in worlds.rows()[:5]]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three students; the second has a compressed file."""
    folder, made = tmp_path_factory.mktemp("models"), []
    world = worlds.build(folder, worlds.rows(), worlds.random_logits())
    for number in range(3):
        student = world.job(folder / f"{number}", "student", hyperparameters={"units": 3 + number})
        training.run(student)
        made.append(Path(student.model_uri))
        if number == 1:
            compressed = world.job(
                folder / "compressed",
                "student",
                compression=CompressionConfig(recipe="float16"),
                student_uri=student.model_uri,
                hyperparameters=student.hyperparameters,
            )
            compressing.run(compressed)
            shutil.copytree(compressed.model_uri, Path(student.model_uri) / FOLDER)
    return made


@dataclasses.dataclass
class Server:
    """A server of a root, and questions to it."""

    root: Path
    port: int
    grpc_port: int
    process: subprocess.Popen[str]

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"http://localhost:{self.port}{path}", timeout=60) as answer:
            return json.loads(answer.read())

    def post(self, path: str, body: Any) -> Any:
        request = urllib.request.Request(
            f"http://localhost:{self.port}{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def metrics(self) -> list[str]:
        with urllib.request.urlopen(f"http://localhost:{self.port}/metrics", timeout=60) as answer:
            return answer.read().decode().splitlines()

    def versions(self) -> list[int]:
        states = self.get("/v1/models/student")["model_version_status"]
        return [int(one["version"]) for one in states if one["state"] == "AVAILABLE"]

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Asks until something holds. Fails if the server ends."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            assert self.process.poll() is None, (self.root / "server.log").read_text(encoding="utf-8")
            try:
                if found := condition():
                    return found
            except (urllib.error.URLError, ConnectionError):
                pass
            time.sleep(0.1)
        raise AssertionError((self.root / "server.log").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def server(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("root")
    for model in models[:2]:
        push(model, root / "serving")
    with running(root, "--batch-size", 8, "--batch-wait-ms", 1) as made:
        yield made


@contextlib.contextmanager
def running(root: Path, *more: Any) -> Iterator[Server]:
    """A server that records every row, until the context ends."""
    port, grpc_port = free_port(), free_port()
    options = ["--port", port, "--grpc-port", grpc_port, "--record", root / "recorded", "--record-share", 1, *more]
    command = [sys.executable, str(program.PIPELINE), "serve", "--root", str(root), *map(str, options)]
    with (root / "server.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, text=True, env=program.environment())
    made = Server(root, port, grpc_port, process)
    try:
        made.wait(lambda: made.get("/v2/health/ready")["ready"])
        yield made
    finally:
        process.kill()
        process.wait(60)


def expected(model: Path) -> dict[str, np.ndarray]:
    """What the SavedModel says in this process, with another version of TensorFlow."""
    answers = tf.saved_model.load(str(model)).signatures["serving_tensors"](x=tf.constant(X, tf.float32))
    return {name: values.numpy() for name, values in answers.items()}


def assert_same(answers: dict[str, Any], model: Path) -> None:
    for name, values in expected(model).items():
        if values.dtype == object:
            assert answers[name] == np.vectorize(bytes.decode, otypes=[object])(values).tolist()
        else:
            np.testing.assert_allclose(answers[name], values, rtol=1e-5, atol=1e-6)


def test_json_of_tensorflow_serving(server: Server, models: list[Path]):
    columns = server.post("/v1/models/student:predict", {"inputs": {"x": X}})["outputs"]
    assert_same(columns, models[1])
    by_rows = server.post("/v1/models/student:predict", {"instances": [{"x": x} for x in X]})["predictions"]
    assert by_rows == [{name: values[place] for name, values in columns.items()} for place in range(len(X))]
    assert_same(server.post("/v1/models/student/versions/1:predict", {"inputs": {"x": X}})["outputs"], models[0])
    assert server.versions() == [2, 1]
    described = server.get("/v1/models/student/versions/1/metadata")
    signature = described["metadata"]["signature_def"]["signature_def"]["serving_tensors"]
    assert signature["inputs"]["x"]["tensor_shape"]["dim"][1]["size"] == "4"
    assert described["model_spec"]["version"] == "1"


def test_clients_of_triton_by_rest_and_grpc(server: Server, models: list[Path]):
    arguments = [str(server.port), str(server.grpc_port), json.dumps(X)]
    ended = subprocess.run(
        [PYTHON, TRITON_CLIENT, *arguments], capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert told["metadata"]["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 4]}]
    assert {one["name"] for one in told["metadata"]["outputs"]} == set(expected(models[0]))
    assert (told["http"]["version"], told["grpc"]["version"], told["grpc of version 1"]["version"]) == (
        "2",
        "2",
        "1",
    )
    assert_same(told["http"], models[1])
    assert_same(told["grpc"], models[1])
    assert_same(told["grpc of version 1"], models[0])
    assert told["refused"] == ["StatusCode.INVALID_ARGUMENT", "the inputs must be ['x']; received ['y']"]


def test_the_open_inference_protocol_in_json(server: Server, models: list[Path]):
    tensor = {"name": "x", "shape": [len(X), 4], "datatype": "FP32", "data": X}
    answer = server.post("/v2/models/student/versions/1/infer", {"inputs": [tensor], "id": "42"})
    assert (answer["id"], answer["model_name"], answer["model_version"]) == ("42", "student", "1")
    logits = next(one for one in answer["outputs"] if one["name"] == "logits")
    np.testing.assert_allclose(
        np.reshape(logits["data"], logits["shape"]), expected(models[0])["logits"], rtol=1e-5, atol=1e-6
    )
    for path, body, code, told in [
        ("student", {"inputs": [tensor | {"shape": [5, 3]}]}, 400, "cannot reshape array"),
        ("student", {"inputs": [tensor | {"name": "y"}]}, 400, "the inputs must be ['x']; received ['y']"),
        ("teacher", {"inputs": [tensor]}, 404, "Model with name teacher does not exist"),
        ("student/versions/7", {"inputs": [tensor]}, 404, "Model with name student, version 7 does not exist"),
    ]:
        with pytest.raises(urllib.error.HTTPError) as caught:
            server.post(f"/v2/models/{path}/infer", body)
        assert caught.value.code == code
        assert told in json.loads(caught.value.read())["error"]


def test_the_compressed_file_takes_raw_features(server: Server, models: list[Path]):
    answers = server.post("/v1/models/student-compressed:predict", {"inputs": {"x": X}})["outputs"]
    # The weights in the file have 11 bits.
    np.testing.assert_allclose(answers, expected(models[1])["logits"], atol=2e-3)
    with pytest.raises(urllib.error.HTTPError, match="404"):
        server.post("/v1/models/student-compressed/versions/1:predict", {"inputs": {"x": X}})


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"instances": [{"y": 1}]}, "the inputs must be ['x']; received ['y']"),
        ({"instances": [{"x": [1, 2]}]}, "'x' takes values of shape [any, 4]; received [1, 2]"),
        ({"instances": ["no example"]}, "the model refuses the inputs: Could not parse example input"),
        ({"rows": []}, "must be an object with 'instances'"),
    ],
)
def test_a_wrong_request_is_told(server: Server, body: Any, told: str):
    with pytest.raises(urllib.error.HTTPError) as caught:
        server.post("/v1/models/student:predict", body)
    assert caught.value.code == 400
    assert told in json.loads(caught.value.read())["error"]


@contextlib.contextmanager
def asking(server: Server, models: list[Path]) -> Iterator[list[set[int]]]:
    """Three clients ask on. Yields the versions that each of them has seen. Fails if a request did."""
    answers, ended = [expected(model)["logits"] for model in models], threading.Event()
    seen: list[set[int]] = [set() for _ in range(3)]
    failures: list[BaseException] = []

    def ask(client: int) -> None:
        while not ended.is_set():
            try:
                logits = server.post("/v1/models/student:predict", {"inputs": {"x": X}})["outputs"]["logits"]
                [version] = [place for place, one in enumerate(answers) if np.allclose(one, logits, atol=1e-5)]
                seen[client].add(version + 1)
            except BaseException as error:
                failures.append(error)
                return

    clients = [threading.Thread(target=ask, args=[client]) for client in range(3)]
    for client in clients:
        client.start()
    try:
        server.wait(lambda: all(2 in versions for versions in seen))
        yield seen
    finally:
        ended.set()
        for client in clients:
            client.join()
    assert failures == []


def test_versions_change_under_load_without_a_failed_request(server: Server, models: list[Path]):
    """A third version is pushed and withdrawn, and a broken one is put beside it, while three clients ask on."""
    with asking(server, models) as seen:
        push(models[2], server.root / "serving")
        server.wait(lambda: server.versions() == [3, 2])
        server.wait(lambda: all(3 in versions for versions in seen))
        broken = server.root / "serving" / "9"
        shutil.copytree(models[0], server.root / "broken")
        (server.root / "broken" / "saved_model.pb").write_bytes(b"\x0a\xff")
        (server.root / "broken").rename(broken)
        [state] = server.wait(
            lambda: [
                one
                for one in server.get("/v1/models/student")["model_version_status"]
                if one["state"] != "AVAILABLE"
            ]
        )
        assert (state["version"], state["status"]["error_code"]) == ("9", "UNKNOWN")
        assert server.versions() == [3, 2]
        shutil.rmtree(broken)
        back = program.run("rollback", "--root", server.root)
        assert back.returncode == 0, back.stderr
        assert f"version 2 is the newest in {server.root / 'serving'} now" in back.stdout
        server.wait(lambda: server.versions() == [2, 1])
    assert seen == [{2, 3}] * 3
    assert_same(server.post("/v1/models/student:predict", {"inputs": {"x": X}})["outputs"], models[1])


def test_metrics_are_those_of_prometheus(server: Server):
    lines = server.metrics()
    assert "limbeck_served_version 2.0" in lines
    assert any(line.startswith('request_predict_seconds_count{model_name="student"}') for line in lines)


def test_a_port_that_is_taken_is_told_before_anything_is_loaded(server: Server):
    again = program.run("serve", "--root", server.root, "--port", str(server.port))
    assert again.returncode == 2
    assert f"--port={server.port} cannot be used (Address already in use): give another port" in again.stderr


def test_it_ends_when_it_is_asked_to(server: Server):
    """And leaves what clients were answered, of all protocols, and nothing that was refused."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(60) == 0
    kept = rows_of(server.root)
    # JSON by rows, by columns, of version 1 and of the compressed file; tritonclient by REST, by gRPC and of version 1.
    assert len(kept) >= 7 * len(X)
    assert set(kept) == {tuple(np.float32(x).tolist()) for x in X}


class Pair(Server):
    """A server of two workers."""

    def log(self) -> str:
        return (self.root / "server.log").read_text(encoding="utf-8")

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def connections(self) -> dict[int, http.client.HTTPConnection]:
        """A connection to each worker that answers. The kernel knows whose it is."""
        found: dict[int, http.client.HTTPConnection] = {}
        while len(found) < 2:
            made = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
            asked(made)
            ours = made.sock.getsockname()[1]
            [owner] = [
                worker.pid
                for worker in self.workers()
                if any(one.raddr and one.raddr.port == ours for one in worker.net_connections("tcp"))
            ]
            found.setdefault(owner, made)
        return found

    def newest(self) -> dict[int, int]:
        """The version by which each worker answers."""
        found = [re.fullmatch(r'limbeck_served_version{pid="(\d+)"} (\d+).0', line) for line in self.metrics()]
        return {int(one[1]): int(one[2]) for one in found if one}

    def answered(self) -> int:
        [line] = [line for line in self.metrics() if line.startswith("request_predict_seconds_count")]
        return int(float(line.split()[-1]))


def asked(connection: http.client.HTTPConnection) -> None:
    """Asks over a connection that stays open."""
    connection.request("POST", "/v1/models/student:predict", json.dumps({"inputs": {"x": X}}))
    answer = connection.getresponse()
    assert (answer.status, len(json.loads(answer.read())["outputs"]["logits"])) == (200, len(X))


@contextlib.contextmanager
def running_pair(root: Path) -> Iterator[Pair]:
    with running(root, "--workers", 2) as made:
        pair = Pair(made.root, made.port, made.grpc_port, made.process)
        pair.wait(lambda: pair.log().count("ready: 2 workers answer") == 1)
        yield pair


@pytest.fixture(scope="module")
def pair(models: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    root = tmp_path_factory.mktemp("pair")
    for model in models[:2]:
        push(model, root / "serving")
    with running_pair(root) as made:
        yield made


def test_both_workers_answer_and_their_metrics_add_up(pair: Pair):
    connections = pair.connections()
    assert set(connections) == {worker.pid for worker in pair.workers()} == set(pair.newest())
    before = pair.answered()
    for connection, times in zip(connections.values(), (3, 5), strict=True):
        for _ in range(times):
            asked(connection)
    assert pair.answered() == before + 8
    told = []
    for connection in connections.values():
        connection.request("GET", "/metrics")
        told.append(connection.getresponse().read())
    assert told[0] == told[1]


def test_both_protocols_share_their_ports(pair: Pair):
    for options in (["--port", str(pair.port)], ["--port", str(free_port()), "--grpc-port", str(pair.grpc_port)]):
        again = program.run("serve", "--root", pair.root, "--workers", "2", *options)
        assert again.returncode == 2
        assert f"{options[-2]}={options[-1]} cannot be used (Address already in use)" in again.stderr
    for worker in pair.workers():
        listening = {one.laddr.port for one in worker.net_connections("tcp") if one.status == psutil.CONN_LISTEN}
        assert listening == {pair.port, pair.grpc_port}


def test_all_workers_take_versions_up_and_back_without_a_failed_request(pair: Pair, models: list[Path]):
    with asking(pair, models) as seen:
        push(models[2], pair.root / "serving")
        pair.wait(lambda: list(pair.newest().values()) == [3, 3])
        pair.wait(lambda: all(3 in versions for versions in seen))
        assert program.run("rollback", "--root", pair.root).returncode == 0
        pair.wait(lambda: list(pair.newest().values()) == [2, 2])
    assert seen == [{2, 3}] * 3


def test_a_killed_worker_is_replaced_while_the_other_answers(pair: Pair):
    connections, before = pair.connections(), pair.answered()
    [killed, kept], count = list(connections), 0
    psutil.Process(killed).kill()
    pair.wait(lambda: f"worker {killed} ended by SIGKILL: another one is started" in pair.log())
    while len(pair.newest()) < 2:
        # One that was connected before, and a new one.
        asked(connections[kept])
        pair.post("/v1/models/student:predict", {"inputs": {"x": X}})
        count += 2
    # What the dead one has counted stays.
    assert pair.answered() == before + count
    assert set(pair.connections()) == {worker.pid for worker in pair.workers()} != {killed, kept}


def test_workers_end_together_and_leave_what_clients_were_answered(pair: Pair):
    for connection in pair.connections().values():
        asked(connection)
    workers = pair.workers()
    metrics = Path(workers[0].environ()["PROMETHEUS_MULTIPROC_DIR"])
    pair.process.send_signal(signal.SIGTERM)
    assert pair.process.wait(60) == 0
    assert not any(worker.is_running() for worker in workers)
    assert not metrics.exists()
    assert len(rows_of(pair.root)) >= 2 * len(X)


def test_workers_end_when_their_parent_is_killed(pair: Pair):
    """As if they were asked to: what clients were answered is there."""
    before = len(rows_of(pair.root))
    with running_pair(pair.root) as again:
        asked(next(iter(again.connections().values())))
        workers, count = again.workers(), again.answered()
        metrics = Path(workers[0].environ()["PROMETHEUS_MULTIPROC_DIR"])
        again.process.kill()
        processes.wait(workers)
    assert not metrics.parent.exists()
    assert len(rows_of(pair.root)) == before + count * len(X)


def rows_of(root: Path) -> list[tuple[float, ...]]:
    files = [str(path) for path in (root / "recorded").iterdir()]
    records = tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()
    return [tuple(worlds.values_of(record, "x")) for record in records]
