"""Runs a TFX pipeline node by node on this machine, and reports each node.

TFX's own LocalDagRunner does not tell which node is running, or whether its result came from the cache. Worse, it
silently skips a node whose inputs cannot be resolved, and the run ends as if it had succeeded. This runner uses the
same launcher for each node, emits an event before and after it, and fails if a node did not do its work.
"""

from __future__ import annotations

import dataclasses
import datetime
import time
from collections.abc import Callable, Collection
from typing import Any

from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.compiler import constants
from tfx.orchestration import metadata
from tfx.orchestration.local import runner_utils
from tfx.orchestration.portable import launcher, runtime_parameter_utils, tfx_runner

from limbeck import events
from limbeck.beam_processes import byte_counts, faults
from limbeck.cli.local_run import beam_options, beam_signatures, beam_submodules, run_log
from limbeck.moved import LEDGER


class NodeSkippedError(Exception):
    """A node did not run, because its inputs could not be resolved."""


class ObservedDagRunner(tfx_runner.IrBasedRunner):
    """A local runner that emits `pipeline`, `node_started` and `node_finished` events."""

    def __init__(
        self,
        never_cached: Collection[str] = (),
        only: Collection[str] | None = None,
        at_first_work: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes a runner.

        Args:
          never_cached: ids of nodes that always run, regardless of the cache.
          only: ids of the nodes that run at all; None runs all.
          at_first_work: called when the first cacheable node really ran. Later nodes will run, too.
        """
        super().__init__()
        self._never_cached = frozenset(never_cached)
        self._only = only
        self._at_first_work: Callable[[], None] | None = at_first_work

    def run_with_ir(self, pipeline: Any, run_options: Any = None, **_: Any) -> None:
        """Runs every node of a compiled pipeline, in topological order.

        Raises:
          NodeSkippedError: if a node did not run.
          Exception: if the executor of a node raised it.
        """
        run_id = datetime.datetime.now(datetime.timezone.utc).isoformat()
        runtime_parameter_utils.substitute_runtime_parameter(
            pipeline, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id}
        )
        deployment = runner_utils.extract_local_deployment_config(pipeline)
        connections = deployment.metadata_connection_config
        connection = getattr(connections, connections.WhichOneof("connection_config"))
        nodes = [node.pipeline_node for node in pipeline.nodes]
        if self._only is not None:
            nodes = [node for node in nodes if node.node_info.id in self._only]
        events.emit("pipeline", run=run_id, nodes=[node.node_info.id for node in nodes])
        with (
            beam_options.remembered(),
            beam_signatures.remembered(),
            beam_submodules.remembered(),
            byte_counts.collected(),
        ):
            for node in nodes:
                self._run(node, pipeline, deployment, connection)

    def _run(self, node: Any, pipeline: Any, deployment: Any, connection: Any) -> None:
        name = node.node_info.id
        if name in self._never_cached:
            node.execution_options.caching_options.enable_cache = False
        events.emit("node_started", node=name)
        run_log.mark(name)
        begin = time.monotonic()
        LEDGER.take()
        one = launcher.Launcher(
            pipeline_node=node,
            mlmd_connection=metadata.Metadata(connection),
            pipeline_info=pipeline.pipeline_info,
            pipeline_runtime_spec=pipeline.runtime_spec,
            executor_spec=runner_utils.extract_executor_spec(deployment, name),
            custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, name),
        )
        # In any node, a worker of Beam may report that it has other code or packages.
        with faults.unmarked():
            launched = one.launch()
        state = _state(launched, connection)
        if state not in (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED):
            raise NodeSkippedError(f"{name} did not run: its inputs could not be resolved")
        cached = state == metadata_store_pb2.Execution.CACHED
        seconds, workers = time.monotonic() - begin, [dataclasses.asdict(each) for each in LEDGER.take()]
        events.emit("node_finished", node=name, cached=cached, seconds=seconds, workers=workers)
        if self._at_first_work is not None and not cached and name not in self._never_cached:
            self._at_first_work()
            self._at_first_work = None


def _state(launched: Any, connection: Any) -> int | None:
    if launched is None or launched.execution_id is None:
        return None
    with metadata.Metadata(connection) as handle:
        [execution] = handle.store.get_executions_by_id([launched.execution_id])
    return int(execution.last_known_state)
