"""Tasks that never train: what their module does when a training process imports it shows what the process is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limbeck.reference import TaskRef
from tests.trainer.world import own_module

# Raised at the end, because nothing of the process is of interest after it.
_STANDING = """
import json, os, signal, sys, tempfile, time
import numpy as np
import tensorflow as tf
from pathlib import Path
from limbeck.digests.module import parse

tf.constant(1.0) + 1.0
threads = [path.joinpath("comm").read_text().strip() for path in Path("/proc/self/task").iterdir()]
standing = {
    "program": sys.modules["__main__"].__spec__.name,
    "arguments": [Path(one).name for one in sys.argv[1:]],
    "folder": os.getcwd() == os.environ["TMPDIR"] == tempfile.gettempdir() == sys.path[0],
    "variables": dict(os.environ),
    "files": sorted(int(path.name) for path in Path("/proc/self/fd").iterdir() if path.exists())[:3],
    "sockets": sorted(path.readlink().name for path in Path("/proc/self/fd").iterdir() if path.is_symlink()),
    "input": str(Path("/proc/self/fd/0").readlink()),
    "handler": str(signal.getsignal(signal.SIGINT)),
    "name": Path("/proc/self/comm").read_text().strip(),
    "threads": len([name for name in threads if not name.startswith("jemalloc")]),
    "parent is who it should be": os.environ["LIMBECK_PARENT"] == str(os.getppid()),
    "drawn": [np.random.random(), __import__("random").random()],
    "process": os.getpid(),
    "sources read": parse.cache_info().currsize,
}
unfinished = Path(__file__).with_name(f"unfinished-{standing['name']}")
unfinished.write_text(json.dumps(standing))
unfinished.rename(unfinished.with_name(f"standing-{standing['name']}.json"))
print("said")
# The end of one ends the others, which may not have written theirs yet.
cluster = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {"alone": [""]})
while len(list(Path(__file__).parent.glob("standing-*.json"))) < sum(map(len, cluster.values())):
    time.sleep(0.02)
raise RuntimeError("seen enough")
"""
_WAITING = """
import os, time
from pathlib import Path

Path(__file__).with_name(f"waiting-{os.getpid()}").touch()
while not Path(__file__).with_name("go").exists():
    time.sleep(0.02)
raise RuntimeError("waited enough")
"""
SOURCES = {"standing": _STANDING, "waiting": _WAITING}


def write(folder: Path, kind: str) -> TaskRef:
    """Writes a task of a kind. Returns its reference."""
    module = own_module(f"{kind}_task")
    (folder / f"{module}.py").write_text(SOURCES[kind], encoding="utf-8")
    return TaskRef(module, search_path=str(folder))


def standings(folder: Path) -> dict[str, dict[str, Any]]:
    """Returns what the processes of a `standing` task have seen, by the name of the process."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("standing-*.json")]
    return {one["name"]: one for one in found}
