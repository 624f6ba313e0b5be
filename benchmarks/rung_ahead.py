"""A rung that waits ahead of the workers, against none, in real searches of digits.

    python benchmarks/rung_ahead.py [--seeds 0,1,2,3,4,5,6,7]

The default search on two workers. With a rung ahead no worker waits while the coordinator takes in
a result and draws a candidate; but that candidate is drawn, and its trial begun, knowing one trial
less. Two searches of one seed are a pair. Compared are the share of their time that workers train,
from the first trial's begin to the last one's end, that time, the training examples, the lowest
validation loss and the volume of the front (`first_rung.py`).

A search that is over is a line of benchmarks/rung_ahead.jsonl; benchmarks/rung_ahead.md is written
from all lines. For idle cores; the load is that of two cores at the end.
"""

import argparse
import json
import os
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
from first_rung import change, config_of, corner
from heading import heading
from search_designs import path_of

from asymnas import run_search
from asymnas.core import columns as t
from asymnas.runs import coordinator

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
WORKERS = 2
AHEAD = (0, 1)
MEASURED = {
    "busy": "workers busy",
    "seconds": "time",
    "examples": "examples",
    "best": "lowest loss",
    "volume": "volume",
}


def run(seed: int, ahead: int, run_dir: Path) -> None:
    """One search, and its line."""
    config = replace(config_of("digits", seed), workers=WORKERS, run_dir=str(run_dir))
    with patch.object(coordinator, "AHEAD", ahead):
        searched = run_search(config)
    table = searched.table
    trials = [trial for trial in searched.study.optuna.get_trials() if trial.datetime_complete]
    begun = min(trial.datetime_start for trial in trials)
    seconds = (max(trial.datetime_complete for trial in trials) - begun).total_seconds()
    line = {
        "seed": seed,
        "ahead": ahead,
        "busy": table[t.SECONDS].sum() / seconds / WORKERS,
        "seconds": seconds,
        "examples": int(table[t.EXAMPLES].sum()),
        "best": float(table.loc[table[t.STATE] == "complete", t.VAL_LOSS].min()),
        "volume": max(volume for _, volume in path_of(table, corner("digits", seed))),
        "load": os.getloadavg()[0],
    }
    with LINES.open("a") as file:
        file.write(json.dumps(line) + "\n")


def found() -> dict[tuple[int, int], dict[str, float]]:
    """All searches that are over, by seed and rungs ahead."""
    lines = LINES.read_text("utf-8").splitlines() if LINES.is_file() else []
    return {(row["seed"], row["ahead"]): row for row in map(json.loads, lines)}


def page(made: dict[tuple[int, int], dict[str, float]]) -> str:
    """What the searches came to."""
    seeds = sorted({seed for seed, _ in made if {(seed, ahead) for ahead in AHEAD} <= {*made}})
    lines = [
        *heading("A rung ahead", __file__),
        f"The default search of digits on {WORKERS} workers, {len(seeds)} seeds: medians, and in "
        "pairs the change in the median, range, Wilcoxon's p from six seeds on. Load at the end at "
        f"most {max(made[key]['load'] for key in made):.1f}.",
        "",
        "| | none ahead | one ahead | change |",
        "|---|---|---|---|",
    ]
    for name, label in MEASURED.items():
        values = [[made[seed, ahead][name] for seed in seeds] for ahead in AHEAD]
        pairs = [(after, before) for before, after in zip(*values, strict=True)]
        medians = " | ".join(f"{np.median(own):.4g}" for own in values)
        lines.append(f"| {label} | {medians} | {change(pairs)} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    for seed in map(int, parser.parse_args().seeds.split(",")):
        for ahead in AHEAD:
            if (seed, ahead) not in found():
                with TemporaryDirectory() as folder:
                    run(seed, ahead, Path(folder) / "run")
        RESULTS.write_text(page(found()), "utf-8")
        print(page(found()), flush=True)


if __name__ == "__main__":
    main()
