"""TFX's entrypoint, and ours in its place."""

import copy
import json

from limbeck.kubeflow.entrypoint import _parser
from limbeck.kubeflow.rewrites.entrypoint import set_entrypoint
from limbeck.kubeflow.rewrites.equal_containers import assert_distinct
from tests.kubeflow.specs import changed, container_of, stock, task_of


def test_ours_is_told_what_tfxs_is_told_and_the_definitions():
    before = stock()
    after = changed(lambda spec: set_entrypoint(spec, "kubeflow"), before)

    container = container_of(after, "StatisticsGen")
    assert container["command"] == ["python", "-m", "limbeck.kubeflow.entrypoint"]
    given, beam_flags = _parser().parse_known_args(container["args"])
    assert (given.node, given.target, given.invocation) == ("StatisticsGen", "kubeflow", "{{$}}")
    assert given.executor == "tfx.components.statistics_gen.executor.Executor"
    assert json.loads(given.inputs) == before["components"]["StatisticsGen"]["inputDefinitions"]
    assert json.loads(given.outputs) == before["components"]["StatisticsGen"]["outputDefinitions"]
    assert beam_flags == ["--direct_num_workers=1", "--sdk_container_image=none"]


def test_the_order_of_definitions_makes_no_difference():
    turned = stock()
    definitions = turned["components"]["ExampleGen"]["inputDefinitions"]["parameters"]
    definitions["input_base"] = definitions.pop("input_base")

    assert set_entrypoint(turned, "kubeflow") == set_entrypoint(stock(), "kubeflow")
    assert (
        container_of(set_entrypoint(turned, "kubeflow"), "ExampleGen")["args"]
        == (container_of(set_entrypoint(stock(), "kubeflow"), "ExampleGen")["args"])
    )


def test_two_nodes_of_one_component_have_containers_of_their_own():
    # TFX gives them equal arguments: KFP would run the second with the outputs of the first.
    spec = stock()
    spec["components"]["Second"] = {**spec["components"]["StatisticsGen"], "executorLabel": "Second_executor"}
    spec["deploymentSpec"]["executors"]["Second_executor"] = {
        "container": copy.deepcopy(container_of(spec, "StatisticsGen"))
    }
    spec["root"]["dag"]["tasks"]["Second"] = {
        **task_of(spec, "StatisticsGen"),
        "componentRef": {"name": "Second"},
    }

    assert_distinct(set_entrypoint(spec, "kubeflow"))


def test_another_command_stays():
    spec = stock()
    container_of(spec, "StatisticsGen")["command"] = ["python", "-m", "elsewhere"]

    after = set_entrypoint(spec, "kubeflow")
    assert container_of(after, "StatisticsGen") == container_of(spec, "StatisticsGen")
