"""The role of `kubeflow/manifests`, as the loopback server enforces it."""

from pathlib import Path

import yaml

FILE = Path(__file__).parents[3] / "kubeflow" / "manifests" / "training.yaml"


def documents():
    return list(yaml.safe_load_all(FILE.read_text(encoding="utf-8")))


def role():
    [found] = [each for each in documents() if each["kind"] == "Role"]
    return tuple(found["rules"])
