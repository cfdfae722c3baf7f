"""Which nodes run again when a user asks for one, and how a mistake is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from limbeck.cli.local_run.rerunning import reached
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.errors import ConfigError
from limbeck.reference import TaskRef
from limbeck.settings.config import Config
from tests.cli import program

DIAMOND = {"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": [], "aside": ["d"]}


@pytest.mark.parametrize(
    ("node", "nodes"),
    [("a", {"a", "b", "c", "d"}), ("c", {"c", "d"}), ("d", {"d"}), ("aside", {"aside", "d"})],
)
def test_a_node_and_all_that_follow_it(node: str, nodes: set[str]):
    assert reached(node, DIAMOND) == nodes


def test_an_unknown_node_is_told_with_the_nearest():
    with pytest.raises(ConfigError, match=r"no node 'asid'\. Did you mean 'aside'\? Nodes: a, b, c, d, aside"):
        reached("asid", DIAMOND)


@pytest.mark.parametrize("verb", ["rerun", "logs"])
def test_a_mistake_is_told_at_once_and_leaves_the_last_run_as_it_is(tmp_path: Path, verb: str):
    folder = RunFolder(tmp_path)
    folder.prepare(Request(TaskRef("limbeck.tasks.digits"), Config()))
    events = [{"event": "pipeline", "run": "1", "nodes": ["Distiller", "Gate"]}]
    folder.events.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    done = program.run(verb, "Destiller", "--root", tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "error: the pipeline has no node 'Destiller'. Did you mean 'Distiller'? Nodes: Distiller, Gate\n"
    )
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("arguments", [("rerun", "Gate"), ("logs", "Gate"), ("logs",)])
def test_a_folder_without_a_run_is_refused(tmp_path: Path, arguments: tuple[str, ...]):
    done = program.run(*arguments, "--root", tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert f"{tmp_path} is not the root of a run" in done.stderr
    assert not list(tmp_path.iterdir())
