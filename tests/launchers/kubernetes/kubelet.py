"""Runs the pods of the loopback API server as processes of this machine: their command, arguments and environment.

What is real: the command, the variables, the signals, the grace, the exit codes, the logs, and that a name is only
known when the Service and the pod are there. What is not: no image is pulled, nobody limits memory, and every pod has
the address 127.0.0.1. Names are resolved by a file /etc/hosts that the kubelet mounts over that of the machine (in a
mount namespace), and not by DNS. The processes of one job listen at different ports in a cluster, too.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.launchers.kubernetes.server import NAMESPACE, ApiServer, stamp
from tests.launchers.kubernetes.store import Event, Object, StatusError

PROJECT = Path(__file__).parents[3]
# Enters a mount namespace, and runs a program of the shell in it.
ENTER = ["unshare", "-m" if os.geteuid() == 0 else "-Urm", "sh", "-c"]
_MOUNT = 'mount --bind "$0" /etc/hosts && exec "$@"'


class Kubelet:
    """The one node of a cluster."""

    def __init__(self, server: ApiServer, folder: Path) -> None:
        self.server, self._folder = server, folder
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self._threads: list[threading.Thread] = []
        self._hosts = folder / "hosts"
        self._hosts.write_text("127.0.0.1 localhost\n")
        server.controllers.kubelet = True
        server.store.listeners.append(self._act)

    def _act(self, event: Event) -> None:
        """Under the lock of the store."""
        if event.plural == "services" or (event.plural == "pods" and event.kind != "MODIFIED"):
            self._write_hosts()
        if event.plural != "pods" or event.item["metadata"]["name"] == "step":
            return
        name, deleting = event.item["metadata"]["name"], "deletionTimestamp" in event.item["metadata"]
        phase = event.item["status"].get("phase")
        if event.kind == "MODIFIED" and not deleting and phase == "Pending" and name not in self.processes:
            self._start(event.item)
        if event.kind == "MODIFIED" and deleting and phase == "Running":
            process = self.processes[name]
            process.send_signal(signal.SIGTERM)
            timer = threading.Timer(event.item["metadata"]["deletionGracePeriodSeconds"], process.kill)
            timer.daemon = True
            timer.start()

    def _write_hosts(self) -> None:
        lines = ["127.0.0.1 localhost"]
        for service in self.server.store.all("services"):
            assert service["spec"]["clusterIP"] == "None" and service["spec"]["publishNotReadyAddresses"]
            [(label, value)] = service["spec"]["selector"].items()
            for pod in self.server.store.all("pods", f"{label}={value}"):
                if pod["spec"].get("subdomain") == service["metadata"]["name"]:
                    host = f"{pod['spec']['hostname']}.{service['metadata']['name']}.{NAMESPACE}.svc"
                    lines.append(f"127.0.0.1 {host}")
        # In place: the file is mounted.
        self._hosts.write_text("\n".join(lines) + "\n")

    def _start(self, pod: Object) -> None:
        name, [container] = pod["metadata"]["name"], pod["spec"]["containers"]
        variables = {each["name"]: each["value"] for each in container["env"] if "value" in each}
        path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
        image = {"PATH": path, "PYTHONPATH": str(PROJECT), "TF_CPP_MIN_LOG_LEVEL": "2"}
        arguments = [each.replace("$$(", "$(") for each in container["args"]]
        process = subprocess.Popen(
            [*ENTER, _MOUNT, str(self._hosts), *container["command"], *arguments],
            env=image | variables,
            cwd="/",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        self.processes[name] = process
        self._set_state(name, "Running", {"running": {"startedAt": stamp()[:19] + "Z"}})
        thread = threading.Thread(target=self._follow, args=(name, process), daemon=True)
        self._threads.append(thread)
        thread.start()

    def _follow(self, name: str, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        log = self.server.logs.setdefault(name, [])
        for line in process.stdout:
            log.append((stamp(), line.rstrip("\n")))
        code = process.wait()
        code = 128 - code if code < 0 else code
        phase = "Failed" if code else "Succeeded"
        with self.server.store.changed:
            self._set_state(
                name, phase, {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}}
            )
            try:
                if "deletionTimestamp" in self.server.store.get("pods", name)["metadata"]:
                    self.server.store.remove("pods", name)
            except StatusError:
                pass

    def _set_state(self, name: str, phase: str, state: Object) -> None:
        try:
            pod = self.server.store.get("pods", name)
        except StatusError:
            return
        status = {"name": "tensorflow", "image": "i", "imageID": "i", "ready": True, "restartCount": 0}
        pod["status"] |= {"phase": phase, "containerStatuses": [status | {"state": state}]}
        self.server.store.update("pods", pod)

    def process(self, rank: int) -> subprocess.Popen[str]:
        """The process of a rank."""
        return self.processes[self.server.pod(rank)["metadata"]["name"]]

    def close(self) -> None:
        for process in self.processes.values():
            process.kill()
        for thread in self._threads:
            thread.join(30)
