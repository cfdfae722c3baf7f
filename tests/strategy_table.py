"""What works under which strategy, and the test that shows it: the table in `docs/distributed.md`.

Such a table is soon a list of wishes, if it is written by hand. So each of its cells is found:

- Settings that a strategy refuses are given to `Config`, and the cell says what it does.
- For every other answer a test is named here, which trains under the strategy. It runs in `make test`,
  `make test-long` or `make test-release`. A name of which there is no test ends the collection of tests
  (`assert_there`).
- Where nothing shows it, the cell says so.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from limbeck import records
from limbeck.errors import ConfigError
from limbeck.settings.config import Config
from limbeck.strategies.registry import STRATEGIES

# The least that a strategy needs beside its name, for one that can be tried on any machine.
NEEDED: Mapping[str, Mapping[str, object]] = {"horovod": {"workers": 2}}
NEVER_RUN = ("tpu",)


@dataclasses.dataclass(frozen=True)
class Shown:
    """An answer and the test that shows it.

    Attributes:
      file: of the test, below `tests/`.
      test: its name.
      case: a part of the name of its parameters.
      answer: what stands in the cell.
    """

    file: str
    test: str
    case: str = ""
    answer: str = "yes"

    def is_of(self, identifier: str) -> bool:
        """Says whether a test with this identifier, as pytest writes it, shows the answer."""
        path, _, name = identifier.partition("::")
        name, _, parameters = name.partition("[")
        return (path, name) == (f"tests/{self.file}", self.test) and self.case in parameters


@dataclasses.dataclass(frozen=True)
class Row:
    """A thing that may work under a strategy.

    Attributes:
      what: what it is, in Markdown.
      shown: what shows it, by strategy.
      settings: of the configuration, by section; a strategy may refuse them.
    """

    what: str
    shown: Mapping[str, Shown]
    settings: Mapping[str, Mapping[str, object]] = dataclasses.field(default_factory=dict)

    def cell(self, strategy: str) -> str:
        """Returns the answer for a strategy."""
        if self.settings and refuses(strategy, self.settings):
            return "refused"
        if strategy in self.shown:
            return self.shown[strategy].answer
        return "never run" if strategy in NEVER_RUN else "not tested"


def refuses(strategy: str, settings: Mapping[str, Mapping[str, object]]) -> bool:
    """Says whether the configuration refuses these settings together with the strategy."""
    own = {"name": strategy, **NEEDED.get(strategy, {})}
    records.from_mapping(Config, {"strategy": own})
    try:
        records.from_mapping(Config, {**settings, "strategy": {**own, **settings.get("strategy", {})}})
    except ConfigError:
        return True
    return False


_EQUAL = "trainer/distribution/test_strategies.py"
_RESUMED = "trainer/recovery/test_resumption.py"
_SETTINGS = "trainer/test_training_settings.py"
_DIGITS = "integration/test_strategies.py"
_ASYNCHRONOUS = "integration/test_parameter_server.py"
_HOROVOD = "integration/test_horovod.py"
_CASES = {
    "mirrored": "mirrored-3",
    "central_storage": "central-3",
    "multi_worker_mirrored": "workers-2",
    "horovod": "horovod-3",
}


def _equal(test: str, case: str = "", *, without: Collection[str] = ()) -> dict[str, Shown]:
    """Returns what a test of `test_strategies.py` shows, for each strategy that the file tries."""
    return {
        strategy: Shown(_EQUAL, test, f"{name}-{case}" if case else name)
        for strategy, name in _CASES.items()
        if strategy not in without
    }


_MODEL = "test_several_replicas_train_the_model_of_one_device"
_NOT_EXACT = "to a metric"
_KILLED_SERVER = "test_after_a_killed_server_all_go_on_from_the_newest_checkpoint"

ROWS = (
    Row(
        "the digits pipeline by `run`, as good as under `one_device`",
        {
            name: Shown(_DIGITS, "test_a_strategy_trains_as_well_as_one_device", name)
            for name in STRATEGIES
            if name not in NEVER_RUN
        },
    ),
    Row(
        "the weights of one device, but for rounding",
        {
            "one_device": Shown(
                "trainer/conformance/test_conformance.py",
                "test_one_device_trains_as_keras_does",
                answer="those of Keras' `fit`",
            ),
            "parameter_server": Shown(
                _ASYNCHRONOUS, "test_a_killed_worker_does_not_stop_the_training", answer=_NOT_EXACT
            ),
            **_equal(_MODEL, "sgd"),
        },
    ),
    Row(
        "a last batch of one example, whatever the number of replicas",
        {
            "one_device": Shown("trainer/fitting/test_loop.py", "test_fit_equals_a_loop_written_by_hand"),
            **_equal(_MODEL, "adam"),
        },
    ),
    Row(
        "exact evaluation and prediction",
        {
            "one_device": Shown(_EQUAL, "test_evaluation_and_prediction_are_those_of_numpy", "mirrored-3"),
            **_equal("test_evaluation_and_prediction_are_those_of_numpy"),
        },
    ),
    Row(
        "resumption to the bit",
        {
            "one_device": Shown(_RESUMED, "test_a_resumed_training_ends_as_one_that_never_stopped", "one"),
            "mirrored": Shown(_RESUMED, "test_a_resumed_training_ends_as_one_that_never_stopped", "mirrored"),
            "central_storage": Shown(
                _RESUMED, "test_a_resumed_training_ends_as_one_that_never_stopped", "central"
            ),
            "multi_worker_mirrored": Shown(
                _RESUMED, "test_two_resumed_processes_end_as_if_they_had_never_stopped"
            ),
            "horovod": Shown(_HOROVOD, "test_a_killed_chief_ends_the_attempt_and_the_next_one_is_exact"),
            "parameter_server": Shown(_ASYNCHRONOUS, _KILLED_SERVER, answer=_NOT_EXACT),
        },
    ),
    Row(
        "goes on from another strategy's checkpoint",
        {
            "one_device": Shown(_RESUMED, "test_other_strategies_resume_what_two_replicas_saved", "workers"),
            "mirrored": Shown(_RESUMED, "test_other_strategies_resume_what_two_replicas_saved", "workers"),
            "central_storage": Shown(_RESUMED, "test_other_strategies_resume_what_two_replicas_saved", "workers"),
            "multi_worker_mirrored": Shown(
                _HOROVOD, "test_a_killed_worker_ends_the_job_and_another_strategy_goes_on"
            ),
        },
    ),
    Row(
        "`training.accumulate`",
        {
            "one_device": Shown(_SETTINGS, "test_accumulation_gives_the_weights_of_the_whole_batch"),
            **_equal(_MODEL, "accumulated"),
        },
        {"training": {"accumulate": 2}},
    ),
    Row(
        "`training.recompute`",
        {
            "one_device": Shown(_SETTINGS, "test_recomputation_gives_the_same_weights"),
            **_equal(_MODEL, "recomputed"),
        },
        {"training": {"recompute": "all"}},
    ),
    Row(
        "`training.early_stopping_patience`",
        {
            "one_device": Shown(_SETTINGS, "test_training_ends_early_when_the_rule_says_so"),
            **{
                name: Shown(_SETTINGS, "test_every_strategy_ends_early_at_the_same_step", name)
                for name in ("mirrored", "central_storage", "multi_worker_mirrored", "horovod")
            },
        },
        {"training": {"early_stopping_patience": 2}},
    ),
    Row(
        "`training.precision=mixed_float16`",
        {
            "one_device": Shown(
                _SETTINGS, "test_mixed_precision_trains_nearly_the_same_and_exports_float32", "mixed_float16"
            ),
            **_equal("test_float16_is_trained_with_a_loss_scale", without=["central_storage"]),
        },
        {"training": {"precision": "mixed_float16"}},
    ),
    Row(
        "`training.precision=mixed_bfloat16`",
        {
            "one_device": Shown(
                _SETTINGS, "test_mixed_precision_trains_nearly_the_same_and_exports_float32", "mixed_bfloat16"
            ),
            **_equal("test_bfloat16_is_trained_nearly_to_the_same_weights", without=["central_storage"]),
        },
        {"training": {"precision": "mixed_bfloat16"}},
    ),
    Row(
        "`strategy.logical_devices`",
        {
            name: Shown(_EQUAL, _MODEL, case)
            for name, case in _CASES.items()
            if name in ("mirrored", "central_storage")
        },
        {"strategy": {"logical_devices": 2}},
    ),
    Row(
        "`strategy.communication=ring`",
        {"multi_worker_mirrored": Shown(_EQUAL, _MODEL, "workers-2")},
        {"strategy": {"communication": "ring"}},
    ),
    Row(
        "`pipelining.stages`",
        {
            "one_device": Shown(
                "trainer/test_pipelined.py", "test_a_teacher_in_stages_is_the_teacher_of_one_device"
            )
        },
        {"pipelining": {"stages": 2}},
    ),
)


def assert_there(identifiers: Collection[str], files: Collection[str]) -> None:
    """Raises ValueError if a test that is named here is not among those of its file.

    Args:
      identifiers: of all tests that were collected.
      files: those that were collected whole, such as `tests/test_one.py`.
    """
    for row in ROWS:
        for strategy, shown in row.shown.items():
            if f"tests/{shown.file}" in files and not any(map(shown.is_of, identifiers)):
                raise ValueError(
                    f"tests/strategy_table.py says that '{row.what}' is shown under {strategy} by {shown}, but there "
                    "is no such test: name the one that shows it, or leave the line out"
                )


def markdown() -> str:
    """Returns the table, and the tests behind it."""
    heads = [f"`{name}`" for name in STRATEGIES]
    lines = [f"| | {' | '.join(heads)} |", "| --- " * (len(heads) + 1) + "|"]
    for row in ROWS:
        lines.append(f"| {row.what} | {' | '.join(row.cell(name) for name in STRATEGIES)} |")
    return "\n".join(lines)
