"""Seconds to a fixed loss, version by version.

    pip install typer  # which version 0.1 needs
    python benchmarks/records.py [--seeds 0,1,2]

Digits under 20,000 parameters, 60,032 examples per trial: the default search of some revisions of
this repository, from the command until a trial completes with a loss as low as the lowest of 40
trials of the plain script (`plain_optuna.jsonl`). Revisions run in turn, on worktrees of their own,
none beside another. A search that ends without such a loss counts as one that takes for ever.

A search is a line of benchmarks/records.jsonl; benchmarks/records.md is written from all lines. For
idle cores; four minutes per seed.
"""

import argparse
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from heading import heading
from plain_optuna import kept, search

from asymnas import StudyConfig

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
REPOSITORY = Path(__file__).parents[1]
#: The revision of a version, and what made it faster than the one before.
VERSIONS = {
    "478f069": "version 0.1",
    "f9ecfc3": "the budget is filled, on a ladder of sizes",
    "d4a078f": "SQLite through a write-ahead log",
    "b466b36": "sizes by a formula; neither PyTorch's compiler nor SymPy is imported",
    "8a72cc9": "the plain network comes first",
    "dadf77f": "the start imports no analysis and no scikit-learn",
    "836d5aa": "the plain network's learning rate suits its size",
    "HEAD": "present version",
}


@contextmanager
def checked_out(revision: str) -> Iterator[Path]:
    """A worktree of a revision."""
    git = ["git", "-C", str(REPOSITORY), "worktree"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "checkout")
        subprocess.run([*git, "add", "--quiet", "--detach", place, revision], check=True)
        try:
            yield place
        finally:
            subprocess.run([*git, "remove", "--force", place], check=True)


def found() -> list[dict[str, Any]]:
    """All searches that are over."""
    lines = LINES.read_text("utf-8").splitlines() if LINES.is_file() else []
    return [json.loads(line) for line in lines]


def cell(values: list[float]) -> str:
    """The median, and from where to where."""
    low, middle, high = (
        f"{value:.0f}" if np.isfinite(value) else "never"
        for value in np.quantile(values, (0, 0.5, 1), method="nearest")
    )
    return f"{middle} ({low} to {high})"


def page() -> str:
    """The ladder."""
    rows = found()
    seeds = ", ".join(str(seed) for seed in sorted({row["seed"] for row in rows}))
    lines = [
        *heading("Seconds to a fixed loss, version by version", __file__),
        f"Digits, 20,000 parameters, seeds {seeds}: the median, and from where to where. "
        f"The load of two cores was at most {max(row['load'] for row in rows):.1f} at the end.",
        "",
        "| revision | what the one before has not | seconds | trial that has the loss |",
        "|---|---|---|---|",
    ]
    for revision, made in VERSIONS.items():
        own = [row for row in rows if row["revision"] == revision]
        seconds, trials = ([row[key] for row in own] for key in ("seconds", "trial"))
        lines.append(f"| {revision} | {made} | {cell(seconds)} | {cell(trials)} |")
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", default="0,1,2,3,4")
    given = parser.parse_args()
    goals = {row["seed"]: row for row in kept() if row["dataset"] == "digits"}
    for seed in map(int, given.seeds.split(",")):
        goal = goals[seed]
        config = StudyConfig(
            dataset="digits", budget=goal["budget"], examples=goal["examples"], seed=seed
        )
        for revision in VERSIONS:
            if any((row["revision"], row["seed"]) == (revision, seed) for row in found()):
                continue
            with checked_out(revision) as place:
                result = search(config, goal["loss"], place)
            row = {
                "revision": revision,
                "seed": seed,
                "seconds": float(np.nan_to_num(result["search_seconds"], nan=np.inf)),
                "trial": float(np.nan_to_num(result["search_trials"], nan=np.inf)),
                "load": os.getloadavg()[0],
            }
            print(row, flush=True)
            with LINES.open("a") as file:
                file.write(json.dumps(row) + "\n")
    RESULTS.write_text(page(), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
