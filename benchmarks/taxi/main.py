"""Compares the taxi task with the model of TFX's template: `python benchmarks/taxi/main.py --work runs/benchmark-taxi`.

Both see the same trips in the same split. What is done already is kept, so an interrupted benchmark goes on.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from benchmarks.taxi import stock

_ROOT = Path(__file__).resolve().parents[2]
_GATE_REFUSED = 3
# What the template trains with, and five times as long.
_STEPS = (1000, 5000)

Areas = dict[str, dict[str, float]]
Rows = Mapping[str, list[Mapping[str, str]]]


def main() -> int:
    """Runs the benchmark, and prints a table in Markdown. Returns the exit code of the process."""
    parser = argparse.ArgumentParser(description="Compare the taxi task with the model of TFX's template.")
    parser.add_argument("--work", type=Path, required=True, metavar="DIR", help="folder that keeps what is done")
    parser.add_argument("--seeds", type=int, default=5, metavar="N", help="trainings of each model (5)")
    parser.add_argument("--only", choices=("stock", "task"), help="measure one side only")
    parsed = parser.parse_args()
    work: Path = parsed.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    _say("| model | seeds | AUC, validation | AUC, test | AUC, test, credit card |")
    _say("| --- | ---: | ---: | ---: | ---: |")
    if parsed.only != "task":
        for line in _stock(work, parsed.seeds):
            _say(line)
    if parsed.only != "stock":
        reports = [_run(work, seed) for seed in range(parsed.seeds)]
        for model in ("teacher", "student", "student_hard_labels", "student_pseudo_labels"):
            _say(_told(model.replace("_", " "), [_reported(report, model) for report in reports]))
    return 0


def _stock(work: Path, seeds: int) -> list[str]:
    """Trains the template's models. Returns a line for each form and length, and one for the way of payment alone."""
    from benchmarks.taxi import stock
    from limbeck.tasks.taxi import data

    rows: dict[str, list[Mapping[str, str]]] = {split: [] for split in data.SHARES}
    for row in data.trips():
        rows[data.split_of(row)].append(row)
    lines = [_told("the way of payment alone", [_areas(rows, _by_payment(rows))])]
    for name, form in stock.FORMS.items():
        # Made once for a form, and only if a training is missing.
        made = functools.cache(functools.partial(stock.transform, form, rows, work / "scratch"))
        for steps in _STEPS:
            stem = f"stock-{name.replace(' ', '-')}-{steps}"
            found = [
                _kept(work / f"{stem}-{seed}.json", functools.partial(_trained, form, made, rows, steps, seed))
                for seed in range(seeds)
            ]
            lines.append(_told(f"template, {name}, {steps:,} steps", found))
    return lines


def _trained(form: stock.Form, made: Callable[[], stock.Transformed], rows: Rows, steps: int, seed: int) -> Areas:
    from benchmarks.taxi import stock

    return _areas(rows, stock.train(form, made(), steps, seed))


def _by_payment(rows: Rows) -> dict[str, npt.NDArray[Any]]:
    """Returns for each trip the share of big tips among the training trips that were paid in the same way."""
    import numpy as np

    from limbeck.tasks.taxi import data

    tips: dict[str, list[bool]] = {}
    for row in rows["train"]:
        tips.setdefault(row["payment_type"], []).append(data.is_big_tip(row))
    shares = {kind: statistics.mean(some) for kind, some in tips.items()}
    return {
        split: np.array([shares.get(row["payment_type"], 0.0) for row in some]) for split, some in rows.items()
    }


def _areas(rows: Rows, said: Mapping[str, npt.NDArray[Any]]) -> Areas:
    """Returns AUC by split, over all trips and over those that were paid by card."""
    import numpy as np
    from sklearn.metrics import roc_auc_score

    from limbeck.tasks.taxi import data

    areas = {}
    for split in ("validation", "test"):
        labels = np.array([data.is_big_tip(row) for row in rows[split]])
        card = np.array([row["payment_type"] == "Credit Card" for row in rows[split]])
        areas[split] = {
            "all": float(roc_auc_score(labels, said[split])),
            "card": float(roc_auc_score(labels[card], said[split][card])),
        }
    return areas


def _run(work: Path, seed: int) -> Any:
    """Runs the task with one seed. Returns the report."""

    def reported() -> Any:
        root = work / "root"
        done = subprocess.run(
            [
                *(sys.executable, str(_ROOT / "pipeline.py"), "run", "--task", "taxi", "--root", str(root)),
                *("--set", f"training.seed={1000 * seed}"),
            ],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, _GATE_REFUSED}:
            raise SystemExit(f"the run with seed {seed} ended with {done.returncode}:\n{done.stdout}")
        return json.loads((root / "report.json").read_text(encoding="utf-8"))

    return _kept(work / f"task-{seed}.json", reported)


def _reported(report: Any, model: str) -> Areas:
    test = {"all": report["models"][model]["metrics"]["auc"]}
    for one in report["findings"]["slices"]:
        if one["features"] == {"payment_type": "Credit Card"} and one["accuracy"].get(model) is not None:
            test["card"] = one["accuracy"][model]
    return {"test": test}


def _kept(file: Path, measure: Callable[[], Any]) -> Any:
    if not file.is_file():
        file.write_text(json.dumps(measure()), encoding="utf-8")
    return json.loads(file.read_text(encoding="utf-8"))


def _told(name: str, found: list[Areas]) -> str:
    cells = []
    for split, trips in (("validation", "all"), ("test", "all"), ("test", "card")):
        values = [one[split][trips] for one in found if trips in one.get(split, {})]
        spread = f" ± {statistics.pstdev(values):.4f}" if len(values) > 1 else ""
        cells.append(f"{statistics.mean(values):.4f}{spread}" if values else "")
    return f"| {name} | {len(found)} | {' | '.join(cells)} |"


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Before TensorFlow is imported: the template's model is one of Keras 2.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    sys.path.insert(0, str(_ROOT))
    raise SystemExit(main())
