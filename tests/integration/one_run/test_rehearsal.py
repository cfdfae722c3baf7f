"""Any component runs from its serialized inputs alone, as it would in a container of a cluster.

In a fresh process, in an empty working directory, as another user, with its inputs read-only and under other paths;
what it makes is what it made before.
"""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from limbeck.cli.local_run.dag_runner import ObservedDagRunner
from limbeck.cli.local_run.run_folder import Request, RunFolder
from limbeck.cli.local_run.runner import storage_of
from limbeck.components.graph.context import Storage
from tests.integration import graphs
from tests.integration.container import (
    ENVIRONMENT,
    HOME,
    SOURCE,
    START,
    TEMPORARY,
    USER,
    Container,
    Mount,
    refusal,
)
from tests.integration.one_run import outcomes, trespass
from tests.integration.one_run.base import Base
from tests.integration.one_run.records import first_record
from tests.integration.one_run.rehearsals import FinishedRun, Rehearsal
from tests.integration.one_run.relocation import Relocation
from tests.integration.runs import NEVER_CACHED, PROJECT

# The run that is rehearsed counts as well where no test before has made it.
pytestmark = [pytest.mark.pipeline, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def container(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """The image; where the system lets nobody start a container, there is nothing to be proved."""
    reason = refusal()
    if reason is not None:
        pytest.skip(f"no container can be started here: {reason}")
    return Container(tmp_path_factory.mktemp("image"))


@pytest.fixture(scope="module")
def finished(base: Base) -> FinishedRun:
    """The run of `base`, as its first request was, whatever other tests have run in its folder since."""
    folder, graph = RunFolder(base.root), graphs.whole(str(base.task))
    storage = storage_of(folder, Request(graph.task, graph.config))
    return FinishedRun(graph, storage, folder.metadata, graph.compiled(storage, folder.metadata))


def test_a_container_has_another_user_and_nothing_of_this_machine(container: Container, tmp_path: Path) -> None:
    """The rest of this module proves nothing without it."""
    (tmp_path / "input").mkdir(mode=0o777)
    (tmp_path / "input").chmod(0o777)
    (tmp_path / "output").mkdir()
    own = [START, HOME, TEMPORARY, "/mnt/output"]
    others = [ENVIRONMENT, f"{ENVIRONMENT}/lib", SOURCE, "/mnt/input", "/", "/etc", "/usr", sys.base_prefix]
    hidden = [str(tmp_path), str(PROJECT), str(PROJECT / "trainer"), str(Path.cwd())]
    ended = container.run(
        tmp_path / "container",
        ["-c", Path(trespass.__file__).read_text(encoding="utf-8"), *own, *others, *hidden],
        Mount(tmp_path / "input", "/mnt/input"),
        Mount(tmp_path / "output", "/mnt/output", writable=True),
    )
    assert ended.code == 0, ended.output
    said = json.loads(ended.output)
    assert said["user"] == (USER if os.geteuid() == 0 else 0)
    assert said["seen"] == [*own, *others]
    assert said["written"] == own
    # The interpreter sets LC_CTYPE by itself.
    assert set(said["variables"]) - {"LC_CTYPE"} == {"HOME", "PATH", "PYTHONPATH", "TF_USE_LEGACY_KERAS"}
    assert ended.litter == ["start/trespass"]


def test_every_node_of_a_whole_run(finished: FinishedRun, container: Container, tmp_path: Path) -> None:
    """Whichever they are: the graph says it."""
    rehearse([Rehearsal(finished, node, tmp_path / node) for node in graphs.executors(finished.ir)], container)


def test_what_each_format_of_the_data_has_to_itself(
    finished: FinishedRun, container: Container, tmp_path: Path
) -> None:
    """Nodes whose executor is not among those of the whole run, on runs of these nodes alone."""
    known = set(graphs.executors(finished.ir).values())
    rehearsals, executors = [], set()
    for graph in graphs.formats():
        name = graph.config.data.format
        folder = RunFolder(tmp_path / name / "root")
        storage = Storage(*map(str, (folder.artifacts, folder.serving, folder.data, folder.accepted)))
        run = FinishedRun(graph, storage, folder.metadata, graph.compiled(storage, folder.metadata))
        nodes = graphs.not_among(known, run.ir)
        if nodes:
            write_wine(name, folder.data)
            ObservedDagRunner().run_with_ir(graphs.only(nodes, run.ir))
        rehearsals += [Rehearsal(run, node, tmp_path / name / node) for node in nodes]
        executors |= {graphs.executors(run.ir)[node] for node in nodes}
    assert executors == {
        f"limbeck.components.example_gen.executor.{name}" for name in ("CsvExecutor", "ParquetExecutor")
    }
    rehearse(rehearsals, container)


def test_a_student_that_is_compressed(
    base: Base, finished: FinishedRun, container: Container, tmp_path: Path
) -> None:
    """The file is scored beside the student and shipped in its version; a container makes the same file."""
    again = base.again("compression.recipe=int8")
    assert again.code == 0, again.output
    assert again.computed == {"Compressor", "Predictor", "Gate", "Reporter", "Pusher", "Visualizer"} | NEVER_CACHED
    file = Path(again.report["serving"]) / "compressed" / "student.tflite"
    models, record = again.report["models"], again.report["compression"]
    assert models["student_compressed"]["bytes"] == record["file"]["bytes"] == file.stat().st_size
    accuracy = [models[name]["metrics"]["accuracy"] for name in ("student", "student_compressed")]
    assert accuracy[1] == pytest.approx(accuracy[0], abs=0.02)
    assert "student_compressed" in again.output
    graph = graphs.compressing(str(base.task))
    run = FinishedRun(
        graph, finished.storage, finished.metadata, graph.compiled(finished.storage, finished.metadata)
    )
    rehearse([Rehearsal(run, "Compressor", tmp_path / "Compressor")], container)


def test_a_recipe_that_the_run_chooses(base: Base) -> None:
    """The file that keeps the limits is judged and shipped, and the report says what else was tried."""
    again = base.again(
        "compression.recipe=auto",
        "compression.candidates=[int8, float16, quantisation_aware, pcqat]",
        # A further training is a third of the student's, and pcqat has three.
        "compression.epochs=1",
        "compression.budget=0.5",
        "compression.max_bytes=6000",
        "compression.tolerance=1.0",
    )
    assert again.code == 0, again.output
    assert again.computed == {"Compressor", "Predictor", "Gate", "Reporter", "Pusher", "Visualizer"} | NEVER_CACHED
    record = again.report["compression"]
    tried = {one["recipe"]: one for one in record["search"]["tried"]}
    assert list(tried) == ["int8", "float16", "quantisation_aware"]
    assert record["search"]["left_out"] == ["pcqat"]
    assert [name for name, one in tried.items() if one["misses"]] == ["float16"]
    assert (
        (tried["int8"]["steps"], tried["float16"]["steps"]) == (0, 0) < (tried["quantisation_aware"]["steps"], 1)
    )
    [taken] = [name for name, one in tried.items() if one["chosen"]]
    fitting = [tried[name] for name in ("int8", "quantisation_aware")]
    assert taken == record["recipe"] == min(fitting, key=lambda one: one["file"]["bytes"])["recipe"]
    file = Path(again.report["serving"]) / "compressed" / "student.tflite"
    shipped = again.report["models"]["student_compressed"]
    assert shipped["bytes"] == tried[taken]["file"]["bytes"] == file.stat().st_size <= 6000
    assert all(one["latency_ms"] > 0 and 0 < one["value"] <= 1 for one in tried.values())
    assert f"compression.recipe=auto took {taken}" in " ".join(again.output.split())
    page = (base.root / "report.html").read_text(encoding="utf-8")
    assert all(name in page for name in (*tried, "pcqat"))


def test_the_adapters_of_the_student_half(finished: FinishedRun, container: Container, tmp_path: Path) -> None:
    """They take the artifacts of the run for those of someone else."""
    predictor, distiller = (first_record(finished.metadata, node) for node in ("Predictor", "Distiller"))
    uris = {
        "examples": predictor.inputs["raw_examples"][0].uri,
        "transform_graph": distiller.inputs["transform_graph"][0].uri,
        "model": predictor.inputs["teacher"][0].uri,
    }
    metadata = tmp_path / "store" / "metadata.sqlite"
    metadata.parent.mkdir()
    ir = graphs.adapters(finished.graph, finished.storage, metadata, uris)
    ObservedDagRunner().run_with_ir(ir)
    run = FinishedRun(finished.graph, finished.storage, metadata, ir)
    rehearse([Rehearsal(run, node, tmp_path / node) for node in ("ExampleAdapter", "TeacherAdapter")], container)


def test_what_differs_is_found(finished: FinishedRun) -> None:
    """Or equal outcomes would mean nothing: teacher and student are files of equal names."""
    teacher, student = (
        next((Path(finished.storage.root) / node / "model").iterdir()) for node in ("TeacherTrainer", "Distiller")
    )
    assert outcomes.differences(student, student, Relocation({})) == []
    [different] = outcomes.differences(teacher, student, Relocation({}))
    assert different.endswith("variables.index")


def write_wine(format: str, folder: Path) -> None:
    """The data of the task `wine` as CSV or Parquet files."""
    import pyarrow.csv
    import pyarrow.parquet

    from docs.examples import wine_data

    wine_data.write(folder)
    if format == "parquet":
        for path in list(folder.glob("*/*.csv")):
            pyarrow.parquet.write_table(pyarrow.csv.read_csv(path), path.with_suffix(".parquet"))
            path.unlink()


def rehearse(rehearsals: list[Rehearsal], container: Container) -> None:
    """Runs nodes in containers, two at a time, and asserts that they make what they made before."""
    roots = {one.run.metadata.parent for one in rehearsals}
    for one in rehearsals:
        assert not any(str(root).encode() in one.invocation.SerializeToString() for root in roots), one.node
    before = listing(roots)
    with ThreadPoolExecutor(2) as pool:
        faults = list(pool.map(lambda one: tried(one, container), rehearsals))
    assert [(one.node, wrong) for one, wrong in zip(rehearsals, faults, strict=True) if wrong] == []
    assert listing(roots) == before


def tried(one: Rehearsal, container: Container) -> list[str]:
    """Runs a rehearsal; returns what is wrong with it."""
    ended = one.run_in(container)
    if ended.code != 0:
        return [f"exit code {ended.code}: {ended.output[-3000:]}"]
    return [
        *(f"left {path}" for path in ended.litter),
        *(fault for output in one.outputs() for fault in output.differences()),
        *one.differences_elsewhere(),
    ]


def listing(folders: set[Path]) -> dict[str, tuple[int, int]]:
    """Size and time of the last change of every file."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in files}
