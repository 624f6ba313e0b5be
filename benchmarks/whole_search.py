"""The default search of digits as a user waits for it: the first result, and the end.

    python benchmarks/whole_search.py [--seeds 0,1,2] [--samplers tpe,gp]

Runs `python -m asymnas.search --seed SEED`, and again with `--sampler gp`, and reads its lines as
they come. Workers are busy while they train: their seconds over those between the first trial's
begin and the last one's end. Writes benchmarks/whole_search.md. For idle cores; a minute per search
on two.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from math import isnan
from pathlib import Path

from heading import heading

from asymnas import Run
from asymnas.core import columns as t

RESULTS = Path(__file__).with_suffix(".md")


def row(sampler: str, seed: int, run_dir: Path) -> str:
    """A line of the table: one search."""
    given = ["--sampler", sampler, "--seed", str(seed), "--run-dir", str(run_dir)]
    command = [sys.executable, "-m", "asymnas.search", *given]
    began, first = time.perf_counter(), float("nan")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as search:
        for line in search.stdout or ():
            if isnan(first) and re.match(r"[1-9]\d*/", line):
                first = time.perf_counter() - began
    whole = time.perf_counter() - began
    run = Run.open(run_dir)
    trials = [trial for trial in run.study.optuna.get_trials() if trial.datetime_complete]
    begun = min(trial.datetime_start for trial in trials)
    ended = max(trial.datetime_complete for trial in trials)
    busy = run.table[t.SECONDS].sum() / (ended - begun).total_seconds() / run.config["workers"]
    best = run.table.loc[run.table[t.STATE] == "complete", t.VAL_LOSS].min()
    return (
        f"| {sampler} | {seed} | {first:.1f} | {whole:.1f} | {len(trials)} | {busy:.1%} "
        f"| {best:.5f} | {os.getloadavg()[0]:.1f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--samplers", default="tpe,gp")
    given = parser.parse_args()
    lines = [
        *heading("The default search of digits, from the command to its end", __file__),
        "Sixty trials and their duplicates. The load is that of two cores at the end.",
        "",
        "| sampler | seed | first result, s | whole, s | trials | workers busy | lowest loss "
        "| load |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for seed in map(int, given.seeds.split(",")):
            for sampler in given.samplers.split(","):
                lines.append(row(sampler, seed, Path(folder) / f"{sampler}-{seed}"))
                print(lines[-1], flush=True)
    RESULTS.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
