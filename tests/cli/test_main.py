"""The command line as a user meets it: quick to answer, and plain about mistakes."""

import importlib.util
import json
import os
import re
from pathlib import Path

import pytest

from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.verbs.registry import VERBS
from limbeck.reference import TaskRef, built_in
from limbeck.report.schema import to_plain
from limbeck.settings.config import Config
from tests.cli import program
from tests.report import sample_report

HEAVY = {"tensorflow", "tf_keras", "tfx", "apache_beam", "kfp", "ml_metadata", "pyarrow", "sklearn"}


def imported(*arguments: str | Path) -> set[str]:
    """Top-level packages that the program imports."""
    done = program.run(*arguments, options=("-X", "importtime"))
    return set(re.findall(r"^import time:.*\| +([\w]+)", done.stderr, re.MULTILINE))


def refused(*arguments: str | Path) -> str:
    """Runs the program on a mistake; returns its message."""
    done = program.run(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.count("error: ") == 1
    return done.stderr


@pytest.mark.parametrize("verb", [(), *((verb.name,) for verb in VERBS)], ids=" ".join)
def test_help_of_every_verb_needs_no_heavy_package(verb: tuple[str, ...]):
    loaded = imported(*verb, "--help")

    assert "argparse" in loaded
    assert not loaded & (HEAVY | {"pydantic", "yaml", "rich", "numpy"})
    # It takes as long as its imports do. Of these packages, argparse alone needs some 50.
    assert len(loaded) < 120


@pytest.mark.parametrize(
    "arguments",
    [
        ("tasks",),
        ("run", "--task", "nothing", "--root", "nowhere"),
        ("run", "--task", "digits", "--root", "nowhere", "--set", "training.epoch=3"),
        ("compile", "--task", "digits", "--target", "vertex", "--output", "x", "--set", "training.epoch=3"),
        ("report", "nowhere"),
    ],
)
def test_neither_the_list_of_tasks_nor_a_mistake_waits_for_a_heavy_package(arguments: tuple[str, ...]):
    loaded = imported(*arguments)

    assert "limbeck" in loaded
    assert not loaded & HEAVY


def test_tasks_lists_every_built_in_task_with_a_line_of_its_own():
    lines = program.run("tasks").stdout.splitlines()

    assert [line.split()[0] for line in lines] == built_in()
    assert all(len(line.split()) > 1 for line in lines)
    assert "scikit-learn" in lines[built_in().index("digits")]


def test_help_tells_the_exit_codes_and_an_example():
    text = program.run("--help").stdout

    assert "exit codes: 0 done" in text
    assert "python pipeline.py run --task digits" in text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--task", "digit"], ["no task 'digit'", "Did you mean 'digits'?"]),
        (["--task", "elsewhere/task.py"], ["no task at elsewhere/task.py", "expected a .py file"]),
        (["--set", "training.epoch=3"], ["unknown", "'training.epoch'", "Did you mean 'epochs'?"]),
        (["--set", "trainig.epochs=3"], ["unknown", "'trainig'", "Did you mean 'training'?"]),
        (["--set", "training.epochs=0"], ["'training.epochs'", "greater than 0", "received 0"]),
        (["--set", "training.epochs=many"], ["'training.epochs'", "whole number", "received 'many'"]),
        (["--set", "distillation.alpha=1.5"], ["'distillation.alpha'", "received 1.5"]),
        (["--set", "gate.tolerance=.nan"], ["'gate.tolerance'"]),
        (["--set", "training.epochs"], ["--set takes key=value", "'training.epochs'"]),
        (["--set", "training.epochs=[1"], ["--set training.epochs is not YAML", "'[1'"]),
        (["--set", "data.encoding=utf-88"], ["data.encoding must be", "received 'utf-88'", "cp1252"]),
        (["--set", "data.encoding=hex"], ["data.encoding must be", "received 'hex'"]),
        (["--set", "strategy.name=mirored"], ["'strategy.name'", "received 'mirored'"]),
        (
            ["--set", "strategy.name=one_device", "--set", "strategy.workers=3"],
            ["'one_device' runs in one process", "strategy.workers is 3"],
        ),
        (
            ["--set", "strategy.name=central_storage", "--set", "training.precision=mixed_float16"],
            ["no mixed precision under strategy 'central_storage'", "strategy.name=mirrored"],
        ),
        (["--config", "no-such.yaml"], ["no-such.yaml", "No such file"]),
        (["--config", "{folder}"], ["{folder}", "Is a directory"]),
        (["--config", "{folder}/list.yaml"], ["list.yaml must hold sections"]),
        (["--config", "{folder}/broken.yaml"], ["broken.yaml is not YAML"]),
        (["--set", "data.path={folder}/data"], ["train, validation, test", "{folder}/data/validation has none"]),
        (["--set", "data.path={folder}/nowhere"], ["{folder}/nowhere/train has none"]),
        (
            ["--root", "{folder}/list.yaml"],
            ["--root {folder}/list.yaml cannot be used: it must be", "list.yaml is a file; give another"],
        ),
        (
            ["--root", "{folder}/list.yaml/below"],
            ["below cannot be used: it must be a folder", "{folder}/list.yaml is a file; give"],
        ),
        (
            ["--root", "/proc/x"],
            ["--root /proc/x cannot be used", "nothing can be written in /proc; give another"],
        ),
    ],
)
def test_a_mistake_in_what_is_run_is_one_message(tmp_path: Path, arguments: list[str], says: list[str]):
    (tmp_path / "list.yaml").write_text("- 1\n- 2\n", encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("training: {epochs: 3\n", encoding="utf-8")
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "data" / "train" / "part").touch()
    given = [one.format(folder=tmp_path) for one in arguments]
    defaults = [*([] if "--task" in given else ["--task", "digits"])]
    defaults += [] if "--root" in given else ["--root", str(tmp_path / "root")]

    message = refused("run", *defaults, *given)

    for part in says:
        assert part.format(folder=tmp_path) in message
    assert not (tmp_path / "root" / "request.json").exists()


def test_the_root_of_another_task_is_refused_and_left_as_it_is(tmp_path: Path):
    folder = RunFolder(tmp_path)
    folder.prepare(Request(TaskRef("tasks.other"), Config()))
    folder.metadata.touch()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}

    message = refused("run", "--task", "digits", "--root", tmp_path)

    assert f"{tmp_path} holds runs of the task tasks.other" in message
    assert "give --root another folder for limbeck.tasks.digits" in message
    (tmp_path / ".lock").unlink()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("output", "says"),
    [
        ("missing/pipeline.yaml", "--output needs an existing folder"),
        (".", "--output takes a file"),
        # Not even the superuser makes a file there.
        ("/proc/pipeline.yaml", "--output must be in a folder that can be written; received /proc/pipeline.yaml"),
    ],
)
def test_compiling_to_where_no_file_can_be_is_refused_before_anything_is_loaded(
    tmp_path: Path, output: str, says: str
):
    arguments = ("compile", "--task", "digits", "--target", "kubeflow", "--output", tmp_path / output)

    assert says in refused(*arguments)
    assert not imported(*arguments) & HEAVY


@pytest.mark.processes
def test_compiling_says_what_no_container_reaches_and_passes_on_no_warning_of_a_library(tmp_path: Path):
    file = tmp_path / "digits.yaml"
    options = ("--output", file, "--set", f"data.path={tmp_path}")
    done = program.run("compile", "--task", "digits", "--target", "kubeflow", *options)

    assert (done.returncode, done.stdout) == (0, f"wrote {file} for kubeflow\n")
    root, data, image = done.stderr.splitlines()
    assert root.startswith("warning: the file holds the placeholder gs://BUCKET/limbeck: give --root ")
    assert data.startswith(f"warning: data.path={tmp_path} is a folder of a machine, ")
    assert image.startswith("warning: the image limbeck:0.1.0 names no registry")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b'{"schema_version": 1}', b"\xff"])
def test_the_report_of_a_folder_without_one_is_refused(tmp_path: Path, content: bytes | None):
    if content is not None:
        (tmp_path / "report.json").write_bytes(content)

    message = refused("report", tmp_path)

    assert f"{tmp_path}" in message
    assert "report.json" in message
    assert not (tmp_path / "report.html").exists()


def test_a_report_keeps_the_pages_of_its_run_when_the_last_one_was_refused(tmp_path: Path):
    """A refused run leaves the report of before, and `report` removed the pages beside it, for good."""
    (tmp_path / "report.json").write_text(json.dumps(to_plain(sample_report.whole())), encoding="utf-8")
    (tmp_path / "statistics.html").write_text("of before", encoding="utf-8")
    RunFolder(tmp_path).prepare(Request(TaskRef("limbeck.tasks.digits"), Config()))

    assert program.run("report", tmp_path).returncode == 0

    assert (tmp_path / "statistics.html").read_text(encoding="utf-8") == "of before"
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert ("statistics.html" in page, "slices.html" in page) == (True, False)


def test_a_folder_where_the_page_of_the_report_belongs_is_told(tmp_path: Path):
    (tmp_path / "report.json").write_text(json.dumps(to_plain(sample_report.whole())), encoding="utf-8")
    (tmp_path / "report.html").mkdir()

    assert f"{tmp_path}/report.html, which cannot be written: Is a directory; move" in refused("report", tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"report.json", "report.html"}


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("rum",),
        ("run", "--task", "digits"),
        ("run", "--root", "x"),
        ("compile", "--task", "digits", "--output", "x", "--target", "airflow"),
        ("run", "--task", "digits", "--root", "x", "--sett", "a=b"),
        ("run", "--task", "digits", "--root", ""),
        ("compile", "--task", "digits", "--output", "x", "--target", "kubeflow", "--root", " "),
        ("report", ""),
        ("report",),
    ],
)
def test_what_argparse_refuses_also_ends_with_two(arguments: tuple[str, ...]):
    assert "usage: pipeline.py" in refused(*arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--root", "x", "--task", "{long}.py"),
        ("run", "--root", "x", "--task", "digits", "--set", "data.path={long}"),
        ("compile", "--task", "digits", "--target", "kubeflow", "--output", "{long}"),
        ("rollback", "--root", "{long}"),
        ("tasks", "new", "{long}.py", "--label", "y", "--csv", "x"),
    ],
)
def test_a_path_that_is_too_long_is_one_message(tmp_path: Path, arguments: tuple[str, ...]):
    """Whichever verb looked at such a path ended with a traceback."""
    long = tmp_path / ("a" * 300)

    assert "cannot be used: File name too long; give another path" in refused(
        *(one.format(long=long) for one in arguments)
    )


def test_a_path_that_is_no_text_is_told_before_anything_is_written(tmp_path: Path):
    """A run wrote a request that no JSON reader takes, and failed in TensorFlow with a traceback."""
    root = os.fsdecode(bytes(tmp_path) + b"/caf\xe9")

    assert "must be text in UTF-8; received b'" in refused("run", "--task", "digits", "--root", root)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("rum",), "there is no verb 'rum'. Did you mean 'run'? Verbs: check, run, "),
        (("Report", "x"), "there is no verb 'Report'. Did you mean 'report'?"),
        (("xyzzy",), "there is no verb 'xyzzy'. Verbs: "),
        (("run", "--task", "digits", "--root", "x", "--acept-schema"), "Did you mean '--accept-schema'?"),
        (("report", "x", "--rot=y"), "unrecognized arguments: --rot=y."),
    ],
)
def test_a_misspelt_verb_or_option_is_told_with_the_nearest(arguments: tuple[str, ...], says: str):
    assert says in refused(*arguments)


def test_every_verb_says_in_a_line_what_it_does_and_has_a_module():
    assert len({verb.name for verb in VERBS}) == len(VERBS)
    for verb in VERBS:
        assert verb.summary in " ".join(program.run("--help").stdout.split())
        assert importlib.util.find_spec(f"limbeck.cli.commands.{verb.name}") is not None
