"""Starts the two servers as their users do, on free ports of this machine, and ends them."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.serving.client import Request

_ROOT = Path(__file__).resolve().parents[2]
_TRITON = _ROOT / ".venv-triton"
_START_SECONDS = 180.0
_PLACES = """
import json, sysconfig
print(json.dumps([sysconfig.get_config_var("LIBDIR"), sysconfig.get_path("purelib")]))
"""
_DATATYPES = {"FP32": "TYPE_FP32", "INT64": "TYPE_INT64"}


@dataclasses.dataclass(frozen=True)
class Model:
    """What is served.

    Attributes:
      label: its name in the table.
      root: the root of a run, whose newest version is served.
      compressed: whether the compressed file of the version answers.
    """

    label: str
    root: Path
    compressed: bool = False

    @property
    def folder(self) -> Path:
        """The SavedModel that is pushed last."""
        return max((self.root / "serving").glob("[0-9]*"), key=lambda folder: int(folder.name))


@dataclasses.dataclass(frozen=True)
class Server:
    """A server that runs.

    Attributes:
      port: of REST.
      model: the name of the model in a path.
      process: the identifier of its first process.
    """

    port: int
    model: str
    process: int

    def request(self, body: bytes) -> Request:
        """Returns what asks it for an inference."""
        return Request(self.port, f"/v2/models/{self.model}/infer", body)

    def processor_seconds(self) -> float:
        """Returns the processor time of the server and its processes so far."""
        ticks = 0
        for process in _descendants(self.process):
            fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def limbeck(model: Model, batch: int, folder: Path, workers: int) -> Iterator[Server]:
    """Our server, as `serve` starts it. `folder` is for its log."""
    port = _free_port()
    command = [sys.executable, str(_ROOT / "pipeline.py"), "serve", "--root", str(model.root)]
    command += ["--port", str(port), "--grpc-port", "0", "--versions", "1", "--batch-size", str(batch)]
    command += ["--workers", str(workers)]
    with _running(command, None, port, folder) as process:
        yield Server(port, "student-compressed" if model.compressed else "student", process)


@contextlib.contextmanager
def triton(model: Model, batch: int, folder: Path, instances: int) -> Iterator[Server]:
    """Triton with its Python backend. `folder` is for its files.

    Raises:
      SystemExit: if it is not installed.
    """
    python = _TRITON / "bin" / "python"
    if not python.is_file():
        raise SystemExit(
            f"Triton needs an environment of its own, and there is no {python}: run `make install-triton`"
        )
    told = subprocess.run([python, "-c", _PLACES], capture_output=True, text=True, check=True).stdout
    libraries, packages = json.loads(told)
    _write_repository(folder / "models" / "student", model, batch, instances)
    _link_backend(Path(packages, "pytriton", "tritonserver"), folder / "backends" / "python")
    ports = [_free_port() for _ in range(3)]
    command = [f"{packages}/pytriton/tritonserver/bin/tritonserver"]
    command += ["--model-repository", str(folder / "models"), "--backend-directory", str(folder / "backends")]
    command += ["--http-port", str(ports[0]), "--grpc-port", str(ports[1]), "--metrics-port", str(ports[2])]
    environment = {
        "PYTHONPATH": packages,
        # Python itself, which the backend's process is linked with, and what the wheel brings.
        "LD_LIBRARY_PATH": f"{libraries}:{packages}/nvidia_pytriton.libs",
    }
    with _running(command, environment, ports[0], folder) as process:
        yield Server(ports[0], "student", process)


def _write_repository(folder: Path, model: Model, batch: int, instances: int) -> None:
    """Writes the model's files, from what our server says about it."""
    (folder / "1").mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("triton_model.py"), folder / "1" / "model.py")
    parameters = {"saved_model": model.folder}
    outputs = [("class", "INT64", "[ 1 ] reshape { shape: [ ] }"), ("logits", "FP32", "[ 10 ]")]
    outputs += [("probabilities", "FP32", "[ 10 ]")]
    if model.compressed:
        compressed = model.folder / "compressed"
        parameters = {"saved_model": compressed / "transform", "file": compressed / "student.tflite"}
        outputs = [("logits", "FP32", "[ 10 ]")]
    lines = ['backend: "python"', f"max_batch_size: {batch}"]
    lines += ['input { name: "pixels" data_type: TYPE_FP32 dims: [ 64 ] }']
    lines += [
        f'output {{ name: "{name}" data_type: {_DATATYPES[kind]} dims: {dims} }}' for name, kind, dims in outputs
    ]
    lines += [f"instance_group {{ count: {instances} kind: KIND_CPU }}"]
    lines += [
        f'parameters {{ key: "{key}" value {{ string_value: "{value}" }} }}' for key, value in parameters.items()
    ]
    if batch > 1:
        # Without a delay: what waits while the instances are busy is the next batch, as in our server.
        lines += ["dynamic_batching { }"]
    (folder / "config.pbtxt").write_text("\n".join([*lines, ""]), encoding="utf-8")


def _link_backend(server: Path, folder: Path) -> None:
    """Puts the backend together: the wheel has its process for each Python apart."""
    folder.mkdir(parents=True)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    backend = server / "backends" / "python"
    files = [*backend.glob("*.so"), *backend.glob("*.py"), *(server / "python_backend_stubs" / version).iterdir()]
    for file in files:
        shutil.copy(file, folder)


@contextlib.contextmanager
def _running(command: list[str], environment: dict[str, str] | None, port: int, folder: Path) -> Iterator[int]:
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "server.log"
    with log.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=file, env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"} | (environment or {})
        )
    try:
        _wait(process, port, log)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Returns when the model is ready. Raises SystemExit if the server ends before, or takes too long."""
    deadline = time.monotonic() + _START_SECONDS
    url = f"http://127.0.0.1:{port}/v2/models/student/ready"
    while process.poll() is None and time.monotonic() < deadline:
        # An answer with another code than 200 is an error, too.
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.2)
    raise SystemExit(f"{log} tells why the server did not start:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _descendants(process: int) -> list[int]:
    found = [process]
    for one in found:
        for thread in Path(f"/proc/{one}/task").iterdir():
            found += [int(child) for child in (thread / "children").read_text(encoding="utf-8").split()]
    return found
