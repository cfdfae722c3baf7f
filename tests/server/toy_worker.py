"""A worker without a model: `toy_worker.py PORT FAULT --shared`. It tells who asks which process answers.

FAULT is `none`, `start` (it ends before it is ready) or `stubborn` (it does not end when it is asked to).
"""

import json
import os
import signal
import sys

from limbeck.server import ports, sharing

POISON = b"end"


def main(port: int, fault: str) -> int:
    """Answers until SIGTERM, or until it is asked for POISON."""
    sharing.end_with_parent()
    if fault == "start":
        return 3
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN if fault == "stubborn" else lambda *_: sys.exit(0))
    listening = ports.shared(port)
    listening.listen()
    os.write(0, sharing.READY)
    while True:
        connection, _ = listening.accept()
        with connection:
            if connection.recv(16) == POISON:
                return 7
            told = {name: os.environ[name] for name in ("PROMETHEUS_MULTIPROC_DIR", "TF_NUM_INTRAOP_THREADS")}
            connection.sendall(json.dumps({"process": os.getpid(), **told}).encode())


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2]))
