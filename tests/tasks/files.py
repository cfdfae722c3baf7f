"""What a built-in task writes, in this process and in another one."""

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def write_elsewhere(task: str, folder: Path) -> None:
    """Has another process write the data of a built-in task into a folder."""
    program = f"import sys, pathlib; from limbeck.tasks.{task} import data; data.write(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", program, str(folder)], cwd=ROOT, check=True, capture_output=True)


def checksums(folder: Path) -> dict[str, str]:
    """Returns the SHA-256 of each file below a folder, by its relative path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
