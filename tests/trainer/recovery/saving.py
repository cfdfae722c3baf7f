"""A process that saves: `python -m tests.trainer.recovery.saving killed|limited FOLDER`.

killed    saves step 5, and then step 10 again and again, each time in a child that ends by SIGKILL just before its
          n-th call of a function for files, for every n; prints a line of JSON for each
limited   saves step 10, while no file may become larger than a megabyte
"""

import dataclasses
import json
import os
import resource
import shutil
import signal
import sys
from pathlib import Path

import numpy as np

from limbeck.trainer.fitting.progress import TrainingProgress
from limbeck.trainer.recovery.checkpoint import latest, save
from limbeck.trainer.recovery.checkpoint_files import State


@dataclasses.dataclass(frozen=True)
class Kill:
    """What a killed save left: its place in the code, the readable step, the files, and the unfinished ones."""

    signal: int
    place: str
    step: int
    files: int
    unfinished: int


def state(step: int, salt: int = 0) -> State:
    """Returns a state of about 1.2 MB. Each of its values depends on the step."""
    generator = np.random.default_rng([step, salt])
    arrays = {
        "weights/0000": generator.standard_normal([300, 1000]).astype(np.float32),
        "optimizer/0000": np.array(step),
        "optimizer/0001": generator.standard_normal([7]).astype(np.float32),
    }
    return State(1, step, arrays, (TrainingProgress(step, 100, 1 / step),), examples=step * 8, seconds=step / 3)


def equal(one: State, other: State) -> bool:
    """Returns whether two states are equal in everything."""
    plain = [dataclasses.replace(some, arrays={}) for some in (one, other)]
    same = (
        dataclasses.asdict(plain[0]) == dataclasses.asdict(plain[1]) and one.arrays.keys() == other.arrays.keys()
    )
    return same and all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())


def reports(text: str) -> list[Kill]:
    """Returns the kills that a `killed` process printed."""
    return [Kill(**json.loads(line)) for line in text.splitlines()]


def listed(folder: Path) -> list[str]:
    """Returns the names of all files in the folder, except the folder of the curve."""
    return [path.name for path in folder.iterdir() if path.name != "curve"]


# By the end of the module's path: ours, the stream that counts what is written, and what our own rest on.
TOUCHING = {
    "limbeck/files/local.py": ("make_folder", "names", "open_to_read", "open_to_write", "rename", "remove"),
    "trainer/recovery/array_file.py": ("write",),
    "pathlib.py": ("replace", "unlink"),
}


class Observer:
    """Counts calls of functions for files. At one of them, prints its name and ends the process."""

    def __init__(self, kill_at: int, tell: int) -> None:
        self.kill_at, self.tell, self.seen = kill_at, tell, 0

    def __call__(self, frame, event, argument) -> None:
        code = frame.f_code
        names = next((names for path, names in TOUCHING.items() if code.co_filename.endswith(path)), ())
        if event != "call" or code.co_name not in names:
            return
        self.seen += 1
        if self.seen == self.kill_at:
            os.write(self.tell, code.co_name.encode())
            os.kill(os.getpid(), signal.SIGKILL)


def in_a_child(folder: Path, kill_at: int) -> tuple[int, str]:
    """Saves step 10 in a forked process. Returns the signal that ended it, and the place in the code."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        sys.setprofile(Observer(kill_at, write))
        save(str(folder), state(10), keep=1)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as told:
        place = told.read()
    _, status = os.waitpid(child, 0)
    return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0, place


def killed(folder: Path) -> None:
    """Runs `killed`. Ends when a child lived to the end of its save."""
    save(str(folder / "first"), state(5), keep=1)
    moment = 0
    while True:
        moment += 1
        work = folder / "work"
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(folder / "first", work)
        ended_by, place = in_a_child(work, moment)
        if not ended_by:
            return
        found, left = latest(str(work)), listed(work)
        assert found is not None and equal(found, state(found.step)), f"{moment} {place} {left}"
        unfinished = sum(name.startswith(".unfinished-") for name in left)
        kill = Kill(ended_by, place, found.step, len(left), unfinished)
        sys.stdout.write(json.dumps(dataclasses.asdict(kill)) + "\n")
        # The next save works, and leaves nothing but its own files.
        save(str(work), state(10), keep=1)
        found = latest(str(work))
        assert found is not None and equal(found, state(10))
        assert len(listed(work)) == 2


def limited(folder: Path) -> None:
    """Runs `limited`."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))
    save(str(folder), state(10), keep=3)


if __name__ == "__main__":
    {"killed": killed, "limited": limited}[sys.argv[1]](Path(sys.argv[2]))
