"""Measures the start of a step: `python benchmarks/start_up/main.py`. Prints tables as Markdown."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.start_up.plan import Start

_ROOT = Path(__file__).resolve().parents[2]
_COMPONENTS = ("Gate", "Reporter", "TeacherTrainer", "Distiller", "TeacherLabeler", "Pusher", "StatisticsGen")
_EXPLAINED = 0.8


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    # TensorFlow, which knows the types of artifacts here too, has nothing to say.
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["PYTHONWARNINGS"] = "3", "ignore"
    from benchmarks.start_up import plan, processes

    if processes.development_packages(parsed.python):
        _say("Not the image's packages: stock TFX starts about 2 s later here. See --python.\n")
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="limbeck-start-up-") as folder:
        scratch = Path(folder)
        spec = _compiled(scratch)
        pairs = [plan.starts(spec, component, scratch) for component in parsed.components]
        if parsed.profile:
            for pair in pairs:
                for start in pair:
                    _say("\n".join(_profile_lines(start, processes.profile(start, parsed.python, _ROOT, scratch))))
            return 0
        measured: dict[tuple[str, str], list[processes.Measured]] = {}
        # The first round warms the page cache, and is not counted.
        for number in range(parsed.runs + 1):
            for pair in pairs:
                for start in pair if number % 2 else reversed(pair):
                    one = processes.measure(start, parsed.python, _ROOT, scratch)
                    if number:
                        measured.setdefault((start.component, start.entrypoint), []).append(one)
    _say("| component | stock TFX, s | ours, s | ratio | stock TFX, CPU s | ours, CPU s | ratio |")
    _say("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for component in parsed.components:
        cells = []
        for attribute in ("wall", "processor"):
            stock, ours = (
                statistics.median(getattr(one, attribute) for one in measured[component, name])
                for name in (plan.STOCK, plan.OURS)
            )
            cells += [f"{stock:.2f}", f"{ours:.2f}", f"{ours / stock:.2f}"]
        _say(f"| {component} | {' | '.join(cells)} |")
    _say(
        f"\nMedians of {parsed.runs}. Load before {before:.1f}, after {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores."
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Time from the start of a step's process to its executor.")
    parser.add_argument("--runs", type=int, default=7, metavar="N", help="processes of each kind (7)")
    parser.add_argument("--components", nargs="+", default=list(_COMPONENTS), metavar="ID", help="nodes of digits")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        metavar="FILE",
        help="interpreter of an environment that holds what requirements.txt names and no more, as the image's does",
    )
    parser.add_argument("--profile", action="store_true", help="show once what is imported, instead")
    return parser


def _compiled(scratch: Path) -> dict[str, object]:
    """Returns the compiled pipeline of digits."""
    import yaml

    file = scratch / "digits.yaml"
    command = [sys.executable, "pipeline.py", "compile", "--task", "digits", "--target", "kubeflow", "--output"]
    subprocess.run(
        [*command, str(file)], cwd=_ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    spec: dict[str, object] = next(yaml.safe_load_all(file.read_text(encoding="utf-8")))
    return spec


def _profile_lines(start: Start, packages: dict[str, float]) -> Iterator[str]:
    """Yields the packages that explain four fifths of the time."""
    total, told = sum(packages.values()), 0.0
    yield f"\n{start.component}, {start.entrypoint}: {total:.2f} s of imports"
    for package, seconds in packages.items():
        if told >= _EXPLAINED * total:
            return
        told += seconds
        yield f"  {package}: {seconds:.2f} s, {100 * seconds / total:.0f} %"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
