"""What a second worker of a Ray cluster is worth: a search by one and by two, in turn.

    python benchmarks/ray_workers.py [--pairs 3] [--trials 24] [--examples 150k]

The same search of digits by `--executor ray` with one worker and with two, and by local processes
with one and with two for comparison. Ray runs on this machine, one cluster for all. Random draws
and no pruning: all runs train the same networks to the end, which is checked. The time is that of
the whole command, and that from the first draw to the end of the last trial, actors that start
included. Runs are kept in `ray_workers.jsonl`; the table is written to `ray_workers.md`. It needs
cores that nothing else uses.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import optuna
import ray
from heading import heading

RESULTS = Path(__file__).with_suffix(".md")
KEPT = Path(__file__).with_suffix(".jsonl")
SEARCH = ("--dataset", "digits", "--sampler", "random", "--pruner", "none", "--metrics", "psnr")
Row = dict[str, float | str]


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a cluster of this machine's cores."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    context = ray.init(include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        yield context.address_info["gcs_address"]
    finally:
        ray.shutdown()


def search(executor: str, workers: int, trials: int, examples: str) -> Row:
    """Runs the command; its seconds, and what its trials came to."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "asymnas.search", "--run-dir", folder, *SEARCH]
        command += ["--executor", executor, "--workers", f"{workers}"]
        command += ["--trials", f"{trials}", "--examples", examples]
        load, began = os.getloadavg()[0], time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - began
        url = f"sqlite:///{folder}/study.db"
        (study,) = optuna.get_all_study_names(url)
        own = optuna.load_study(study_name=study, storage=url).trials
    ends = [trial.datetime_complete.timestamp() for trial in own if trial.datetime_complete]
    first = min(trial.datetime_start.timestamp() for trial in own if trial.datetime_start)
    return {
        "executor": executor.partition(":")[0],
        "workers": workers,
        "whole": seconds,
        "trials": max(ends) - first,
        "losses": f"{sorted(trial.value for trial in own if trial.value is not None)}",
        "load": load,
    }


def median_ratio(rows: list[Row], executor: str, part: str) -> str:
    """How many times faster two workers are than one: the median of the pairs, and their range."""
    one, two = (
        [float(row[part]) for row in rows if (row["executor"], row["workers"]) == (executor, n)]
        for n in (1, 2)
    )
    ratios = [a / b for a, b in zip(one, two, strict=True)]
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def page(rows: list[Row], trials: int, examples: str) -> list[str]:
    """Both tables."""
    if len({row["losses"] for row in rows}) > 1:
        raise SystemExit("the runs have trained unlike networks: their times cannot be compared")
    lines = [
        *heading("Two workers through Ray", __file__),
        f"Ray {version('ray')}. `python -m asymnas.search {' '.join(SEARCH)} --trials {trials} "
        f"--examples {examples}` with `--executor ray` or `local`, `--workers 1` or `2`. All runs "
        "have the same losses. The load is the average over the minute before a run.",
        "",
        "| executor | workers | whole command, s | trials, s | load before |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['executor']} | {row['workers']} | {row['whole']:.1f} | {row['trials']:.1f} "
        f"| {row['load']:.1f} |"
        for row in rows
    ]
    lines += [
        "",
        "Two workers over one, median of pairs in turn and their range:",
        "",
        "| executor | whole command | trials |",
        "|---|---|---|",
    ]
    return lines + [
        f"| {name} | {median_ratio(rows, name, 'whole')} | {median_ratio(rows, name, 'trials')} |"
        for name in ("ray", "local")
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--examples", default="150k")
    args = parser.parse_args()
    rows: list[Row] = []
    KEPT.write_text("")
    with cluster() as address:
        for pair in range(args.pairs):
            for name in (f"ray:{address}", "local"):
                for workers in (1, 2) if pair % 2 == 0 else (2, 1):
                    rows.append(search(name, workers, args.trials, args.examples))
                    with KEPT.open("a") as file:
                        file.write(json.dumps(rows[-1]) + "\n")
                    print({k: v for k, v in rows[-1].items() if k != "losses"}, flush=True)
    RESULTS.write_text("\n".join(page(rows, args.trials, args.examples)) + "\n")
    print(RESULTS.read_text())


if __name__ == "__main__":
    main()
