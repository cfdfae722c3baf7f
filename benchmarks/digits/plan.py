"""The trainings of the benchmark. Each holds everything that its result depends on.

Each run has its own seed. Member `m` of an ensemble is trained with `seed + m`. With consecutive seeds, two ensembles
would share all teachers but one, and their figures would agree for that reason. So the seed of run `r` is `r` times the
number of teachers.
"""

from __future__ import annotations

import dataclasses
import hashlib

from pydantic.dataclasses import dataclass

from benchmarks.digits.variants import VARIANTS, Setting, Variant
from limbeck.models import TEACHER, Targets
from limbeck.records import STRICT, to_json
from limbeck.settings.config import Config
from limbeck.settings.distillation import DistillationConfig
from limbeck.settings.training import TrainingConfig

_FIRST_TUNING_RUN = 1000


@dataclass(frozen=True, config=STRICT)
class Training:
    """One training. Equal trainings have the same result.

    Attributes:
      model: name of the variant, or `teacher`.
      run: number of the run. Tuning runs and final runs have different numbers.
      final: whether the test split is scored.
      targets: what the model learns from.
      training: length, steps and seed.
      members: number of models in the ensemble.
      distillation: null if the model does not learn from soft targets.
      teachers: key of the teachers that the model learns from; empty if there are none.
      code: digest of the code that trains and scores.
    """

    model: str
    run: int
    final: bool
    targets: Targets
    training: TrainingConfig
    members: int
    distillation: DistillationConfig | None
    teachers: str
    code: str

    @property
    def key(self) -> str:
        """A name of the training: 16 hexadecimal digits."""
        return hashlib.sha256(to_json(self).encode()).hexdigest()[:16]

    def __str__(self) -> str:
        """Returns a short text for people."""
        temperature = self.distillation.temperature if self.distillation else None
        setting = Setting(self.training.learning_rate, temperature)
        return f"run {self.run}: {self.model}, {setting}"


@dataclasses.dataclass(frozen=True)
class Plan:
    """The whole benchmark.

    Attributes:
      config: settings of the digits task. Its learning rate and temperature are replaced by those that are tried.
      code: digest of the code that trains and scores.
      runs: numbers of the final runs.
      tuning_runs: numbers of the runs for choosing settings.
      settings: how many settings of each variant's grid are tried.
    """

    config: Config
    code: str
    runs: tuple[int, ...]
    tuning_runs: tuple[int, ...]
    settings: int

    @property
    def shipped(self) -> Setting:
        """The setting of the student that the task ships."""
        return Setting(self.config.training.learning_rate, self.config.distillation.used_temperature)

    def grid(self, variant: Variant) -> tuple[Setting, ...]:
        """Returns the settings of a variant that are tried."""
        return variant.grid[: self.settings]

    def all_teachers(self) -> list[Training]:
        """Returns an ensemble for each run."""
        return [self.teachers(run) for run in (*self.tuning_runs, *self.runs)]

    def tuning(self) -> list[Training]:
        """Returns every setting of every variant on every tuning run."""
        return [
            self.student(variant, setting, run)
            for run in self.tuning_runs
            for variant in VARIANTS
            for setting in self.grid(variant)
        ]

    def teachers(self, run: int) -> Training:
        """Returns the ensemble of a run."""
        teachers = self.config.teachers
        epochs = teachers.epochs or self.config.training.epochs
        training = dataclasses.replace(self.config.training, epochs=epochs)
        return self._training(TEACHER, run, "labels", training, members=teachers.count)

    def student(self, variant: Variant, setting: Setting, run: int) -> Training:
        """Returns one student of a run. All variants and settings have the same initial weights and number of steps."""
        distillation = None
        if setting.temperature is not None:
            distillation = dataclasses.replace(self.config.distillation, temperature=setting.temperature)
        return self._training(
            variant.name,
            run,
            variant.targets,
            dataclasses.replace(self.config.training, learning_rate=setting.learning_rate),
            distillation=distillation,
            teachers="" if variant.targets == "labels" else self.teachers(run).key,
        )

    def _training(
        self,
        model: str,
        run: int,
        targets: Targets,
        training: TrainingConfig,
        *,
        members: int = 1,
        distillation: DistillationConfig | None = None,
        teachers: str = "",
    ) -> Training:
        return Training(
            model,
            run,
            run not in self.tuning_runs,
            targets,
            dataclasses.replace(training, seed=run * self.config.teachers.count),
            members,
            distillation,
            teachers,
            self.code,
        )


def full(config: Config, code: str, runs: int) -> Plan:
    """Returns the whole benchmark: three tuning runs, and every setting."""
    return Plan(
        config, code, tuple(range(runs)), tuple(range(_FIRST_TUNING_RUN, _FIRST_TUNING_RUN + 3)), settings=6
    )


def quick(config: Config, code: str, runs: int) -> Plan:
    """Returns a plan with every step once, and hardly any training. It only shows that the program works."""
    short = dataclasses.replace(
        config,
        training=dataclasses.replace(config.training, epochs=2),
        teachers=dataclasses.replace(config.teachers, count=2, epochs=1),
    )
    return Plan(short, code, tuple(range(runs)), (_FIRST_TUNING_RUN,), settings=1)
