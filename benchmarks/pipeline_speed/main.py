"""Measures the speed of a pipeline: `python benchmarks/pipeline_speed/main.py`. Prints tables as Markdown."""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
_PROBE = "benchmarks.pipeline_speed.probe"
# In one call. Without a flush, they follow each other through the pipeline.
_BATCHES = 4


def main(arguments: Sequence[str]) -> int:
    """Runs the benchmark. Returns the exit code of the process."""
    parsed = _parser().parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:  # noqa: PLR2004
        _say("two stages need two cores, and this process may use one")
        return 2
    rounds = [
        _round(parsed, cores[:2], number, parsed.schedules, parsed.micro_batches)
        for number in range(parsed.rounds)
    ]
    _tell_speed(parsed, rounds)
    _tell_simulation(rounds, parsed)
    if parsed.pictures and parsed.devices == "processes":
        _say("\npictures are drawn with --devices local: a process sees only its own operations")
    elif parsed.pictures:
        _draw(parsed, cores[:2])
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Two stages on two cores against one core.")
    parser.add_argument("--devices", choices=["local", "processes"], default="local")
    parser.add_argument("--schedules", nargs="+", default=["naive", "gpipe", "1f1b", "2bw", "weight_stashing"])
    parser.add_argument("--micro-batches", nargs="+", type=int, default=[1, 2, 4, 8, 16], metavar="M")
    parser.add_argument("--rounds", type=int, default=5, help="fresh processes for each case, alternating")
    parser.add_argument("--calls", type=int, default=10, help="timed calls in a process")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--examples", type=int, default=512)
    parser.add_argument("--pictures", type=Path, help="folder for a timeline of each schedule, as SVG")
    return parser


def cases(schedules: Sequence[str], micro_batches: Sequence[int]) -> list[tuple[str, int]]:
    """Returns the pairs of schedule and micro-batches that there are: `weight_stashing` takes each batch as one."""
    return [
        pair
        for pair in itertools.product(schedules, micro_batches)
        if pair[0] != "weight_stashing" or pair[1] == 1
    ]


def _round(
    parsed: argparse.Namespace, cores: Sequence[int], number: int, schedules: Sequence[str], counts: Sequence[int]
) -> dict[tuple[str, int], dict[str, Any]]:
    """Measures each case once, with its baseline of as many micro-batches; in turn, so that all meet the same load."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for count in counts:
        found["one core", count] = _measured(parsed, cores, "1f1b", 1, count, profile=number == 0)
        for schedule, _ in cases(schedules, [count]):
            found[schedule, count] = _measured(parsed, cores, schedule, 2, count)
    return found


def _measured(
    parsed: argparse.Namespace,
    cores: Sequence[int],
    schedule: str,
    stages: int,
    count: int,
    *,
    profile: bool = False,
    trace: bool = False,
) -> dict[str, Any]:
    from benchmarks.pipeline_speed.launching import probed
    from benchmarks.pipeline_speed.probe import Case

    apart = parsed.devices == "processes" and stages > 1
    case = Case(
        stages,
        count,
        schedule,
        parsed.devices,
        tuple(cores[:1] if stages == 1 or apart else cores),
        batches=getattr(parsed, "batches", _BATCHES),
        calls=parsed.calls,
        layers=parsed.layers,
        width=parsed.width,
        examples=parsed.examples,
        profile=profile,
        trace=trace,
    )
    return probed(_PROBE, dataclasses.asdict(case), [str(cores[1])] if apart else [])


def _tell_speed(parsed: argparse.Namespace, rounds: Sequence[dict[tuple[str, int], dict[str, Any]]]) -> None:
    from benchmarks.pipeline_speed.bound import gain_bound

    _say("| schedule | M | one core, ms | two stages, ms | gain | bound | gain / bound |")
    _say("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for schedule, count in cases(parsed.schedules, parsed.micro_batches):
        one, two = (_median(rounds, (name, count)) for name in ("one core", schedule))
        # Of one round each, so that a load that comes and goes meets both.
        gain = statistics.median(
            each["one core", count]["seconds"] / each[schedule, count]["seconds"] for each in rounds
        )
        bound = gain_bound(schedule, 2, count, _BATCHES)
        times = f"{one * 1e3:.1f} | {two * 1e3:.1f}"
        _say(f"| {schedule} | {count} | {times} | {gain:.2f} | {bound:.2f} | {gain / bound:.2f} |")


def _median(rounds: Sequence[dict[tuple[str, int], dict[str, Any]]], case: tuple[str, int]) -> float:
    return float(statistics.median(each[case]["seconds"] for each in rounds))


def _tell_simulation(rounds: Sequence[dict[tuple[str, int], dict[str, Any]]], parsed: argparse.Namespace) -> None:
    """Says what eight stages would gain over two without a pipeline, with the times of blocks that were measured."""
    from benchmarks.pipeline_speed.bound import MeasuredBlock, Plan, simulated_seconds

    _say("\nA simulation of the schedules with measured times of blocks, and transfers that take no time:\n")
    _say("| M | two stages, 1f1b, simulated, ms | measured, ms | two stages, naive, ms | eight, 1f1b, ms | gain |")
    _say("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for count in parsed.micro_batches:
        blocks = [MeasuredBlock(**one) for one in rounds[0]["one core", count]["blocks"]]
        if len(blocks) < 8:  # noqa: PLR2004
            _say(f"| {count} | the model has {len(blocks)} blocks, and eight stages need as many | | | | |")
            continue
        two, slow, eight = (
            simulated_seconds(blocks, plan)
            for plan in (Plan("1f1b", 2, count), Plan("naive", 2, count, "naive"), Plan("1f1b", 8, count))
        )
        real = f"{_median(rounds, ('1f1b', count)) * 1e3:.1f}" if "1f1b" in parsed.schedules else "not measured"
        _say(f"| {count} | {two * 1e3:.1f} | {real} | {slow * 1e3:.1f} | {eight * 1e3:.1f} | {slow / eight:.2f} |")


def _draw(parsed: argparse.Namespace, cores: Sequence[int]) -> None:
    from benchmarks.pipeline_speed.picture import actions_of, busy_share, drawn

    parsed.pictures.mkdir(parents=True, exist_ok=True)
    for schedule in parsed.schedules:
        count = 1 if schedule == "weight_stashing" else max(m for m in parsed.micro_batches if m <= 8)  # noqa: PLR2004
        single = argparse.Namespace(**vars(parsed), batches=8 if schedule == "weight_stashing" else 1)
        actions = actions_of(_measured(single, cores, schedule, 2, count, trace=True)["operations"])
        file = parsed.pictures / f"{schedule}.svg"
        file.write_text(drawn(actions, f"{schedule}, two stages, {count} micro-batches"), encoding="utf-8")
        _say(f"\n{file}: stages are busy for {busy_share(actions):.0%} of the time")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    # Replaces this folder, so that its modules are not found under their bare names.
    sys.path[0] = str(_ROOT)
    sys.exit(main(sys.argv[1:]))
