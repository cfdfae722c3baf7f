"""A Ray cluster whose nodes are processes of this machine: real ones, started by `ray start`."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests import children

SITE = Path(__file__).parents[3] / ".venv-ray"
_RAY = (sys.executable, "-m", "ray.scripts.scripts")
_TRIES = 4
_MARK = "LIMBECK_TEST_RAY"
_LEFT = """
import json, sys
import ray
from ray._private import state
from ray.util.placement_group import placement_group_table
ray.init(address=sys.argv[1], log_to_driver=False, configure_logging=False)
actors = [one["State"] for one in state.actors().values() if one["State"] != "DEAD"]
groups = [one["state"] for one in placement_group_table().values() if one["state"] != "REMOVED"]
nodes = [one["NodeID"] for one in ray.nodes() if one["Alive"]]
print(json.dumps({"actors": actors, "groups": groups, "nodes": nodes}))
"""


class RayCluster:
    """A head with one core, and nodes with one core each. All have our code and this Python."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        """Takes an empty folder with a short path, as Ray makes sockets below it, and the variables of all nodes."""
        self._folder = folder
        # Whatever runs on a node inherits them.
        self._environment = {**os.environ, **environment} | {"RAY_USAGE_STATS_ENABLED": "0", _MARK: str(folder)}
        self._starters: list[subprocess.Popen[bytes]] = []
        self.nodes: list[subprocess.Popen[bytes]] = []
        self.address = ""

    def start(self) -> None:
        """Starts the head and one further node."""
        port, client_port = _free_ports(2)
        self.address = f"127.0.0.1:{port}"
        further = ("--include-dashboard=false", "--no-monitor", "--ray-client-server-port", client_port)
        self._start("--head", "--port", port, "--temp-dir", str(self._folder), *further)
        self.nodes.append(self.add())

    def add(self) -> subprocess.Popen[bytes]:
        """Starts a further node, and returns its process."""
        return self._start("--address", self.address)

    def kill(self, node: subprocess.Popen[bytes]) -> None:
        """Kills a node and all that runs on it at once, as a machine dies that loses its power."""
        for process in psutil.Process(node.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()

    def training(self) -> list[psutil.Process]:
        """The training processes on all nodes."""
        return [process for process in self._processes() if "limbeck.trainer.worker" in children.command(process)]

    def left(self) -> dict[str, list[str]]:
        """Returns living `actors`, placement `groups` and `nodes`, as Ray knows them."""
        done = subprocess.run(
            [sys.executable, "-c", _LEFT, self.address],
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=120,
        )
        return json.loads(done.stdout.splitlines()[-1])

    def close(self) -> None:
        """Kills all nodes, and whatever they started."""
        while found := self._processes():
            for process in found:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(found, 1.0)
        for starter in self._starters:
            starter.wait()

    def _processes(self) -> list[psutil.Process]:
        """All living processes of the cluster."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(_MARK) == str(self._folder) and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Starts a node. Ray gives one 30 seconds, which a machine under load may need more than once for."""
        for _ in range(_TRIES):
            log = self._folder / f"start-{len(self._starters)}"
            starter = self._try_to_start(log, *arguments)
            if _has_started(starter, log):
                return starter
            _kill_group(starter)
        raise RuntimeError(f"a node of Ray did not start: {log.read_text(errors='replace')[-2000:]}")

    def _try_to_start(self, log: Path, *arguments: str) -> subprocess.Popen[bytes]:
        # Of ports that are chosen late, Ray waits for a file. The log monitor sends lines that nobody reads.
        agents = ("--dashboard-agent-grpc-port", "--dashboard-agent-listen-port", "--runtime-env-agent-port")
        ports = [word for pair in zip(agents, _free_ports(3), strict=True) for word in pair]
        common = (
            "--block",
            "--num-cpus",
            "1",
            "--object-store-memory",
            "100000000",
            "--include-log-monitor=false",
        )
        with log.open("wb") as output:
            starter = subprocess.Popen(
                [*_RAY, "start", "--node-ip-address", "127.0.0.1", *common, *ports, *arguments],
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._starters.append(starter)
        return starter


def _has_started(starter: subprocess.Popen[bytes], log: Path) -> bool:
    while starter.poll() is None:
        if "This command will now block" in log.read_text(errors="replace"):
            return True
        time.sleep(0.1)
    return False


def _kill_group(starter: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(starter.pid, signal.SIGKILL)


def _free_ports(count: int) -> list[str]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [str(each.getsockname()[1]) for each in sockets]


def environment() -> dict[str, str]:
    """The variables of nodes and of what is connected to them. Without the token nobody else is."""
    root = str(Path(__file__).parents[3])
    return {
        # Ray lies apart from the environment.
        "PYTHONPATH": os.pathsep.join([root, str(SITE)]),
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
