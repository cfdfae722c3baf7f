"""Each rewrite: a spec before, a spec after; and each check: what it lets pass, and what it refuses."""

import importlib
import pkgutil
from pathlib import Path
from typing import Any

import pytest

from limbeck.errors import ConfigError
from limbeck.kubeflow import rewrites
from limbeck.kubeflow.rewrites import argument_sizes
from limbeck.kubeflow.rewrites.argument_sizes import assert_sizes
from limbeck.kubeflow.rewrites.caching import set_caching
from limbeck.kubeflow.rewrites.environment import set_environment
from limbeck.kubeflow.rewrites.equal_containers import assert_distinct
from limbeck.kubeflow.rewrites.image import set_image
from limbeck.kubeflow.rewrites.lifecycle import drop_lifecycle
from limbeck.kubeflow.rewrites.node_names import assert_names
from limbeck.kubeflow.rewrites.optional_defaults import mark_optional
from limbeck.kubeflow.rewrites.placeholder_text import assert_plain
from limbeck.kubeflow.rewrites.producer_names import name_producers
from limbeck.kubeflow.rewrites.retries import set_retries
from limbeck.kubeflow.rewrites.schema_version import assert_version
from limbeck.kubeflow.rewrites.single_placeholders import assert_whole
from limbeck.settings.containers import ContainerConfig, RetryConfig
from tests.kubeflow.specs import changed, constant, container_of, stock, task_of

NAMES = [module.name for module in pkgutil.iter_modules(rewrites.__path__)]
DAY = 24 * 3600
CACHED = ContainerConfig(cache=True)
DOCS = Path(__file__).parents[3] / "docs/kubeflow.md"


@pytest.mark.parametrize("name", NAMES)
def test_a_rewrite_says_who_needs_it_and_the_docs_name_it(name: str):
    module = importlib.import_module(f"limbeck.kubeflow.rewrites.{name}")

    assert module.__doc__
    assert module.NEEDED_BY
    assert module.DEFECT
    assert f"`{name}`" in DOCS.read_text(encoding="utf-8")


class TestSchemaVersion:
    def test_the_one_that_runs_passes(self):
        assert changed(assert_version, stock()) == stock()

    def test_what_tfx_writes_by_default_is_refused(self):
        with pytest.raises(ConfigError, match=r"schema 2\.1\.0, received 2\.0\.0"):
            assert_version({**stock(), "schemaVersion": "2.0.0"})


class TestProducerNames:
    def given(self, producer: str) -> dict[str, Any]:
        spec = stock()
        output = {"producerTask": producer, "outputParameterKey": "number"}
        task_of(spec, "StatisticsGen")["inputs"]["parameters"]["number"] = {"taskOutputParameter": output}
        return spec

    def producer(self, spec: dict[str, Any]) -> str:
        name = task_of(spec, "StatisticsGen")["inputs"]["parameters"]["number"]["taskOutputParameter"][
            "producerTask"
        ]
        return str(name)

    def test_the_suffix_that_no_task_has_is_dropped(self):
        assert self.producer(changed(name_producers, self.given("ExampleGen_task"))) == "ExampleGen"

    def test_names_of_tasks_stay(self):
        assert self.producer(changed(name_producers, self.given("ExampleGen"))) == "ExampleGen"
        # Nor is a name made up where neither is a task: KFP says which is unknown.
        assert self.producer(changed(name_producers, self.given("Elsewhere_task"))) == "Elsewhere_task"


def test_lifecycle_is_dropped_and_nothing_else():
    before = stock()
    after = changed(drop_lifecycle, before)

    del container_of(before, "ExampleGen")["lifecycle"]
    assert after == before


class TestImage:
    def test_every_container_is_started_from_it(self):
        after = changed(lambda spec: set_image(spec, "registry/limbeck:2"), stock())

        assert {container_of(after, node)["image"] for node in ("ExampleGen", "StatisticsGen")} == {
            "registry/limbeck:2"
        }

    @pytest.mark.parametrize("name", ["", " limbeck", "limbeck 2"])
    def test_what_is_no_name_is_refused(self, name: str):
        with pytest.raises(ConfigError, match="--image"):
            set_image(stock(), name)


def test_environment_is_sorted_and_replaces_what_was_there():
    before = stock()
    container_of(before, "ExampleGen")["env"] = [{"name": "OLD", "value": "1"}]
    after = changed(lambda spec: set_environment(spec, {"B": "2", "A": "1"}), before)

    for node in ("ExampleGen", "StatisticsGen"):
        assert container_of(after, node)["env"] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_a_task_that_is_never_cached_says_so():
    before = stock()
    del task_of(before, "ExampleGen")["cachingOptions"]
    after = changed(lambda spec: set_caching(spec, {"StatisticsGen"}, {}), before)

    assert task_of(after, "StatisticsGen")["cachingOptions"] == {"enableCache": False}
    assert task_of(after, "ExampleGen")["cachingOptions"] == {"enableCache": True}
    # One that was without a cache stays so, whoever asks.
    assert set_caching(after, set(), {}) == after


class TestAskedCaching:
    def test_a_node_without_a_cache_is_no_other(self):
        section = {"default": ContainerConfig(cache=True), "ExampleGen": ContainerConfig(cache=False)}
        after = changed(lambda spec: set_caching(spec, {"StatisticsGen"}, section), stock())

        # What must never be cached stays so, whatever is said of all nodes.
        for node in ("ExampleGen", "StatisticsGen"):
            assert task_of(after, node)["cachingOptions"] == {"enableCache": False}
        after = set_caching(stock(), set(), {"default": ContainerConfig(cache=False)} | {"ExampleGen": CACHED})
        assert task_of(after, "ExampleGen")["cachingOptions"] == {"enableCache": True}
        assert task_of(after, "StatisticsGen")["cachingOptions"] == {"enableCache": False}

    def test_the_cache_of_a_node_that_cannot_have_one_is_refused(self):
        with pytest.raises(ConfigError, match=r"containers\.StatisticsGen\.cache=true asks for what cannot be"):
            set_caching(stock(), {"StatisticsGen"}, {"StatisticsGen": CACHED})


class TestRetries:
    def policy(
        self, policy: dict[str, Any] | None, retry: RetryConfig, target: str = "kubeflow", **further: Any
    ) -> dict[str, Any] | None:
        spec = stock()
        if policy is not None:
            task_of(spec, "ExampleGen")["retryPolicy"] = policy
        asked = {"ExampleGen": ContainerConfig(retry=retry, **further)}
        after = changed(lambda one: set_retries(one, asked, target), spec)
        assert "retryPolicy" not in task_of(after, "StatisticsGen")
        found: dict[str, Any] | None = task_of(after, "ExampleGen").get("retryPolicy")
        return found

    def test_none_are_added_unasked(self):
        for retry in (RetryConfig(), RetryConfig(count=0, backoff="1m")):
            assert self.policy(None, retry) is None

    def test_a_bound_longer_than_all_attempts_is_added(self):
        policy = self.policy(None, RetryConfig(count=3))
        assert policy == {
            "maxRetryCount": 3,
            "backoffDuration": "30s",
            "backoffFactor": 2.0,
            # Four attempts of thirty days, and the pauses between them.
            "backoffMaxDuration": f"{4 * 30 * DAY + 30 + 60 + 120}s",
        }

    def test_pauses_are_those_that_are_asked_for(self):
        policy = self.policy(None, RetryConfig(count=2, backoff="5m", backoff_factor=3), timeout="40d")
        assert policy == {
            "maxRetryCount": 2,
            "backoffDuration": "300s",
            "backoffFactor": 3.0,
            "backoffMaxDuration": f"{3 * 40 * DAY + 300 + 900}s",
        }

    def test_a_timeout_does_not_shorten_the_bound(self):
        # A pod may wait for a machine longer than its timeout, which begins when it starts.
        policy = self.policy(None, RetryConfig(count=1), timeout="10m")
        assert policy is not None
        assert policy["backoffMaxDuration"] == f"{2 * 30 * DAY + 30}s"

    def test_vertex_bounds_a_pause_and_takes_no_more_than_an_hour(self):
        policy = self.policy(None, RetryConfig(count=3), target="vertex")
        assert policy is not None
        assert policy["backoffMaxDuration"] == "3600s"

    def test_a_policy_of_the_task_stays_but_for_the_bound(self):
        given = {"maxRetryCount": 1, "backoffDuration": "5s", "backoffMaxDuration": "3600s"}
        policy = self.policy(given, RetryConfig(count=3))
        assert policy == {
            "maxRetryCount": 1,
            "backoffDuration": "5s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": f"{2 * 30 * DAY + 5}s",
        }

    @pytest.mark.parametrize("factor", [1.5, 0.0])
    def test_a_factor_that_argo_cannot_read_is_refused(self, factor: float):
        with pytest.raises(ConfigError, match=f"task 'ExampleGen' must be a whole number .* received {factor}"):
            self.policy({"maxRetryCount": 1, "backoffFactor": factor}, RetryConfig())

    def test_pauses_of_months_are_refused(self):
        with pytest.raises(ConfigError, match=r"the 20 retries of task 'ExampleGen' would wait 364 days"):
            self.policy(None, RetryConfig(count=20))


def test_a_parameter_with_a_default_is_optional_and_no_other():
    before = stock()
    definitions = before["components"]["StatisticsGen"]["inputDefinitions"]["parameters"]
    definitions["number"] = {"parameterType": "NUMBER_INTEGER", "defaultValue": 3.0}
    after = changed(mark_optional, before)

    definitions["number"]["isOptional"] = True
    assert after == before


class TestNodeNames:
    def renamed(self, name: str) -> dict[str, Any]:
        spec = stock()
        tasks = spec["root"]["dag"]["tasks"]
        tasks[name] = tasks.pop("StatisticsGen")
        return spec

    @pytest.mark.parametrize("name", ["Node", "Node-2", "n" * 121])
    def test_what_argo_takes_passes(self, name: str):
        assert_names(self.renamed(name))

    @pytest.mark.parametrize("name", ["a_b", "a.b", "2nd", "-a", "", "n" * 122])
    def test_what_argo_refuses_is_named(self, name: str):
        with pytest.raises(ConfigError, match=f"received '{name}': rename it"):
            assert_names(self.renamed(name))

    def test_a_component_may_be_called_otherwise_unless_it_is_a_dag(self):
        spec = stock()
        spec["components"]["a_b"] = spec["components"].pop("StatisticsGen")
        task_of(spec, "StatisticsGen")["componentRef"]["name"] = "a_b"
        assert_names(spec)

        spec["components"]["a_b"]["dag"] = {"tasks": {}}
        with pytest.raises(ConfigError, match="a_b"):
            assert_names(spec)


class TestPlaceholderText:
    @pytest.mark.parametrize("value", ['{"a":{"b":1}}', "train/{SPAN}/*", "costs $5 (net)", "}}", 3.0, ["a"]])
    def test_ordinary_values_pass(self, value: Any):
        spec = stock()
        task_of(spec, "StatisticsGen")["inputs"]["parameters"]["exclude_splits"] = constant(value)
        assert changed(assert_plain, spec) == spec

    @pytest.mark.parametrize(
        "value", ["{{$.inputs.parameters['x']}}", "a {{workflow.name}}", "$(KFP_POD_NAME)", ["a", {"b": "{{$}}"}]]
    )
    def test_what_would_be_replaced_is_refused(self, value: Any):
        spec = stock()
        task_of(spec, "StatisticsGen")["inputs"]["parameters"]["exclude_splits"] = constant(value)
        with pytest.raises(ConfigError, match="parameter 'exclude_splits' of StatisticsGen must hold neither"):
            assert_plain(spec)

    def test_defaults_variables_and_arguments_count_too(self):
        spec = stock()
        spec["components"]["StatisticsGen"]["inputDefinitions"]["parameters"]["a"] = {"defaultValue": "{{x}}"}
        with pytest.raises(ConfigError, match="the default of 'a' of StatisticsGen"):
            assert_plain(spec)
        with pytest.raises(ConfigError, match="variable A of ExampleGen"):
            assert_plain(set_environment(stock(), {"A": "$(HOME)"}))
        spec = stock()
        container_of(spec, "StatisticsGen")["args"].append("--x={{x}}")
        with pytest.raises(ConfigError, match="an argument of StatisticsGen"):
            assert_plain(spec)


class TestSinglePlaceholders:
    def test_the_whole_input_passes(self):
        assert changed(assert_whole, stock()) == stock()

    @pytest.mark.parametrize(
        "argument", ["{{$.inputs.parameters['x']}}", "--x={{$.outputs.output_file}}", {"a": 1}]
    )
    def test_a_part_of_it_is_refused(self, argument: Any):
        spec = stock()
        container_of(spec, "StatisticsGen")["args"].append(argument)
        with pytest.raises(ConfigError, match=r"node 'StatisticsGen' has the argument"):
            assert_whole(spec)


class TestEqualContainers:
    def test_others_pass(self):
        assert changed(assert_distinct, stock()) == stock()

    def test_equal_ones_are_named(self):
        spec = stock()
        executors = spec["deploymentSpec"]["executors"]
        executors["StatisticsGen_executor"] = executors["ExampleGen_executor"]
        with pytest.raises(ConfigError, match="the containers of 'ExampleGen' and 'StatisticsGen' are equal"):
            assert_distinct(spec)


class TestArgumentSizes:
    def long(self, node: str, size: int) -> dict[str, Any]:
        spec = stock()
        task_of(spec, node)["inputs"]["parameters"]["long"] = constant("x" * size)
        return spec

    def test_ordinary_ones_pass(self):
        assert changed(assert_sizes, self.long("ExampleGen", 50_000)) is not None

    def test_the_root_counts_as_a_whole(self):
        spec = self.long("ExampleGen", 60_000)
        task_of(spec, "StatisticsGen")["inputs"]["parameters"]["long"] = constant("x" * 60_000)
        with pytest.raises(ConfigError, match=r"all tasks of the pipeline .* argument of 12\d{4} bytes"):
            assert_sizes(spec)

    def test_bytes_count_and_not_characters(self):
        # JSON writes ü as six characters.
        spec = stock()
        task_of(spec, "ExampleGen")["inputs"]["parameters"]["long"] = constant("ü" * 20_000)
        with pytest.raises(ConfigError, match="argument"):
            assert_sizes(spec)

    def test_a_container_counts(self):
        spec = stock()
        container_of(spec, "ExampleGen")["args"].append("x" * argument_sizes.LIMIT)
        with pytest.raises(ConfigError, match="the container of 'ExampleGen'"):
            assert_sizes(spec)
