"""A process that reads as a server does: `python -m tests.components.pusher.reading SERVING [--tensorflow]`.

Loads the newest version over and over, and prints `<version> <number of its model>` for each that is new to it.
Dies with a traceback of one that cannot be loaded. Ends when its standard input is closed.
"""

import select
import sys
from collections.abc import Callable
from pathlib import Path

from tests.components.pusher import models
from tests.components.pusher.pushing import say


def main(serving: Path, load: Callable[[Path], int]) -> None:
    """Reads until standard input is closed."""
    say("ready")
    known = 0
    while not select.select([sys.stdin], [], [], 0)[0]:
        newest = max(models.visible(serving).items(), default=None)
        if newest is None:
            continue
        version, folder = newest
        number = load(folder)
        if version != known:
            say(f"{version} {number}")
            known = version


def load_saved_model(folder: Path) -> int:
    """Loads with TensorFlow, and asks the model for its number."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder))
    return int(loaded.signatures["serving_default"]()["number"].numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]), load_saved_model if "--tensorflow" in sys.argv else models.number_of)
