"""Models of a few files that can tell whether they are whole. Knows nothing of the code under test."""

import hashlib
import json
from pathlib import Path

_MANIFEST = "manifest.json"
_BYTES = 20_000


def write(folder: Path, number: int, size: int = _BYTES) -> Path:
    """Writes a model with the files of a SavedModel, and a manifest of them; equal numbers give equal models."""
    content = hashlib.sha256(str(number).encode()).digest() * (size // 32)
    names = (
        "saved_model.pb",
        "variables/variables.index",
        "variables/variables.data-00000-of-00001",
        "assets/words",
    )
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() + content)
    (folder / "assets.extra").mkdir()
    digests = {name: _digest(folder / name) for name in names}
    manifest = {"number": number, "digests": digests}
    (folder / _MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def number_of(folder: Path) -> int:
    """The number of the model in a folder. Raises where any of its files is missing or not as it was written."""
    manifest = json.loads((folder / _MANIFEST).read_text(encoding="utf-8"))
    for name, digest in manifest["digests"].items():
        assert _digest(folder / name) == digest, f"{folder / name} is not what was pushed"
    assert (folder / "assets.extra").is_dir()
    return int(manifest["number"])


def visible(serving: Path) -> dict[int, Path]:
    """What a server takes for versions."""
    if not serving.exists():
        return {}
    return {int(path.name): path for path in serving.iterdir() if path.name.isdecimal()}


def numbers(serving: Path) -> dict[int, int]:
    """The number of the model in each version. Raises where one is not whole."""
    return {version: number_of(path) for version, path in sorted(visible(serving).items())}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
