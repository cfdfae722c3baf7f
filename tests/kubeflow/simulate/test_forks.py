"""A pod that is a fork is not to be told from one whose interpreter was started."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from limbeck.kubeflow.simulate.pod import forks, image, process
from limbeck.kubeflow.simulate.pod.files import PodFiles
from limbeck.kubeflow.simulate.pod.forks import Forks
from limbeck.kubeflow.simulate.pod.image import Image
from limbeck.kubeflow.simulate.pod.process import Command, DeadlineError

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root forks pods"),
]

# `timeit` is a module of the standard library that runs what it is given.
STANDING = """
import json, os, sys
from pathlib import Path
PLACES = ("/", "/etc", "/tmp", "/minio", "/opt/limbeck", "/dev/shm")
kept = lambda key: not key.startswith(("_", "LC_"))
standing = {
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "process": os.getpid(),
    "folder": os.getcwd(),
    "variables": {key: value for key, value in os.environ.items() if kept(key)},
    "root": sorted(os.listdir("/")),
    "processes": sorted(int(each) for each in os.listdir("/proc") if each.isdigit()),
    "devices": sorted(os.listdir("/dev")),
    "files": sorted(os.listdir("/tmp")) + sorted(os.listdir("/minio")),
    "writable": [path for path in PLACES if os.access(path, os.W_OK)],
    "open": sorted(int(each) for each in os.listdir("/proc/self/fd"))[:3],
    "interpreter": sys.executable,
    "path": sys.path[1:],
    "arguments": sys.argv[1:4],
}
Path("/tmp/standing.json").write_text(json.dumps(standing))
print("said", flush=True)
"""


@pytest.fixture
def scratch() -> Iterator[Path]:
    # Of a name that any user may enter.
    with tempfile.TemporaryDirectory(prefix="pods-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def built(scratch: Path) -> Image:
    return image.build(scratch)


@pytest.fixture
def forked(built: Image, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forks]:
    monkeypatch.setattr(forks, "_PACKAGES", ("json",))
    server = Forks(built, scratch, scratch)
    yield server
    server.stop()


def timeit(code: str, **variables: str) -> Command:
    return Command(["python", "-m", "timeit", "-n1", "-r1", "-s", code, "pass"], variables)


def test_it_stands_as_an_interpreter_that_was_started(forked: Forks, built: Image, scratch: Path) -> None:
    found: list[dict[str, Any]] = []
    command = timeit(STANDING, WHOSE="the pod's")
    for name in ("started", "forked"):
        folder = scratch / name
        folder.mkdir(mode=0o755)
        files = PodFiles(folder / "files", process.USER)
        (files.host("/tmp") / "before").touch()
        with (scratch / f"{name}.log").open("wb") as log:
            run = (
                forked.run(files, command, log)
                if name == "forked"
                else process.run(built, files, folder, command, log)
            )
        assert run == 0
        assert (scratch / f"{name}.log").read_text().startswith("said\n")
        found.append(json.loads((files.host("/tmp") / "standing.json").read_text()))
    started, fork = found
    assert started["user"] == [process.USER, process.USER, []]
    assert started["processes"] == [1]
    assert started["variables"]["WHOSE"] == "the pod's"
    # An empty folder in the root, at which nothing is mounted any more.
    fork["root"].remove(".pods")
    assert fork == started


def test_one_after_another_and_neither_sees_the_other(forked: Forks, scratch: Path) -> None:
    for code in (0, 3):
        files = PodFiles(scratch / f"pod{code}" / "files", process.USER)
        # `timeit` would turn an exception into the code 1.
        say = "import os; print(os.listdir('/tmp'), os.listdir('/.pods'), flush=True); open('/tmp/mine', 'w')"
        say += f"; os._exit({code})"
        with (scratch / f"{code}.log").open("wb") as log:
            assert forked.run(files, timeit(say), log) == code
        assert (scratch / f"{code}.log").read_text() == "[] []\n"


@pytest.mark.parametrize("kind", ["started", "forked"])
def test_a_claim_outlives_its_pod_and_the_root_stays_read_only(
    forked: Forks, built: Image, scratch: Path, kind: str
) -> None:
    claim = scratch / "claims" / "data"
    claim.mkdir(parents=True)
    claim.chmod(0o777)
    code = "import os; open('/mnt/a/data/mine', 'a').write('x'); print(os.access('/', os.W_OK), flush=True)"
    for number in range(2):
        folder = scratch / f"pod{number}"
        folder.mkdir(mode=0o755)
        files = PodFiles(folder / "files", process.USER)
        command = Command(timeit(code).words, {}, claims=[(claim, "/mnt/a/data")])
        with (scratch / "log").open("wb") as log:
            if kind == "forked":
                assert forked.run(files, command, log) == 0
            else:
                assert process.run(built, files, folder, command, log) == 0
        assert (scratch / "log").read_text().startswith("False\n")
    assert (claim / "mine").read_text() == "xx"


def test_a_pod_is_killed_at_its_deadline_with_all_its_processes(forked: Forks, scratch: Path) -> None:
    files = PodFiles(scratch / "pod" / "files", process.USER)
    # The child would hold the log's pipe open for ever, and reading it to its end would never return.
    code = "import os, time; os.fork(); time.sleep(10**6)"
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as log, pytest.raises(DeadlineError):
        forked.run(files, Command(timeit(code).words, {}, deadline=1.0), log)
    with os.fdopen(reading, "rb") as told:
        assert told.read() == b""
    with (scratch / "log").open("wb") as log:
        assert forked.run(files, timeit("pass"), log) == 0


def test_a_server_that_is_gone_is_told(forked: Forks, scratch: Path) -> None:
    files = PodFiles(scratch / "pod" / "files", process.USER)
    with (scratch / "log").open("wb") as log:
        # The pod's keeper is the server's child; nothing of a pod reaches the server but its end.
        forked.run(files, timeit("pass"), log)
        assert forked._process is not None
        forked._process.kill()
        forked._process.wait()
        with pytest.raises(OSError):
            forked.run(files, timeit("pass"), log)


@pytest.mark.parametrize(
    ("words", "variables", "takes"),
    [
        (["python", "-m", "limbeck.kubeflow.entrypoint"], {"LIMBECK_OPERATIONAL": "{}"}, True),
        (["python", "-m", "limbeck.kubeflow.entrypoint"], {"TF_USE_LEGACY_KERAS": "1"}, True),
        (["python", "-m", "limbeck.kubeflow.entrypoint"], {"TF_USE_LEGACY_KERAS": "0"}, False),
        (["python", "-m", "limbeck.kubeflow.entrypoint"], {"OMP_NUM_THREADS": "1"}, False),
        (["python", "-m", "json.tool"], {}, False),
        (["python", "-m"], {}, False),
        (["sh", "-c", "python -m limbeck.kubeflow.entrypoint"], {}, False),
    ],
)
def test_only_what_would_do_the_same_is_forked(
    built: Image, words: list[str], variables: dict[str, str], *, takes: bool
) -> None:
    assert forks.takes(Command(words, variables), built) is takes
