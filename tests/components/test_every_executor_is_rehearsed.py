"""A component that no rehearsal runs in a container is not known to run in one; so none may be forgotten."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

from limbeck import components
from limbeck.components.graph.context import Storage
from tests.integration import graphs


def test_every_executor_of_ours_is_in_a_graph_that_is_rehearsed(tmp_path: Path) -> None:
    """`tests/integration/one_run/test_rehearsal.py` runs every node of these graphs; this compiles them only."""
    storage = Storage(*(str(tmp_path / name) for name in ("pipeline", "serving", "data", "accepted")))
    metadata, nowhere = tmp_path / "metadata.sqlite", dict.fromkeys(("examples", "transform_graph", "model"), "")
    compiled = [
        graph.compiled(storage, metadata) for graph in (graphs.whole(), graphs.compressing(), *graphs.formats())
    ]
    compiled.append(graphs.adapters(graphs.whole(), storage, metadata, nowhere))
    rehearsed = {executor for ir in compiled for executor in graphs.executors(ir).values()}
    assert own_executors() - rehearsed == set(), (
        "put their components into the pipeline, or a graph into graphs.py"
    )


def own_executors() -> set[str]:
    """Dotted names of the executors that are defined in `components`, but for abstract ones."""
    from tfx.dsl.components.base.base_executor import BaseExecutor

    modules = [
        importlib.import_module(found.name)
        for found in pkgutil.walk_packages(components.__path__, "limbeck.components.")
    ]
    # By the type, as Mapping[str, int] and the like say of themselves that they are classes.
    classes = {one for module in modules for one in vars(module).values() if issubclass(type(one), type)}
    return {
        f"{one.__module__}.{one.__qualname__}"
        for one in classes
        if issubclass(one, BaseExecutor)
        and one.__module__.startswith("limbeck.components.")
        and not inspect.isabstract(one)
    }
