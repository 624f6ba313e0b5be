"""Optuna's samplers and local search in the default search, with and without pruning.

    python benchmarks/samplers.py [--samplers tpe,random] [--pruners auto,none] [--seeds 0,1,2]

Digits under 20,000 parameters, 60 trials per search; everything but the sampler and the pruner is
as by default, the plain network at the beginning and the ladder of sizes included, but that the
first rung is after a sixth of the examples for all. Each search has a seed's own splits. Compared
are

- with TPE under the same pruner, the lowest validation loss and the volume that the front of loss
  and size covers, as `search_designs.py` measures them;
- with TPE without pruning, in this search and in that of `front_pruning.py`, which has loss and
  size as two objectives: the training examples until a front covers as much as that one's does in
  the end;
- each sampler with pruning with itself without, at as many examples.

Examples are counted in the order in which candidates were drawn.

A search that is over is a line of benchmarks/samplers.jsonl; benchmarks/samplers.md is written from
all lines.
"""

import argparse
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
from front_pruning import area
from front_pruning import found as front_searches
from heading import heading
from local_search import with_local_search
from search_designs import (
    BUDGET,
    Outcome,
    compared,
    config_of,
    outcome_of,
    path_of,
    reference_of,
)

from asymnas import run_search
from asymnas.runs.study.samplers import SAMPLERS
from asymnas.training import rung

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
USUAL = "tpe"
PRUNING = {"auto": "with pruning", "none": "without pruning"}
Found = dict[tuple[str, str], dict[int, "Searched"]]  # by sampler and pruner; then by seed


@dataclass(frozen=True)
class Searched(Outcome):
    """What one search came to, and how.

    Args:
        path: After each complete trial, the training examples seen so far by all trials drawn up
            to it, and the volume of the front.
    """

    path: tuple[tuple[int, float], ...]

    def reached(self, volume: float) -> float:
        """Training examples until the front covers so much; infinite if it never does."""
        return next((seen for seen, covered in self.path if covered >= volume), np.inf)

    def until(self, examples: int) -> "Searched":
        """As it stood after so many training examples."""
        path = tuple((seen, covered) for seen, covered in self.path if seen <= examples)
        return replace(self, path=path, volume=path[-1][1] if path else 0.0, examples=examples)


def searched(table: pd.DataFrame, seed: int) -> Searched:
    """Reads a search."""
    path = path_of(table, reference_of(seed))
    return Searched(**asdict(outcome_of(table, seed)), path=path)


def found() -> Found:
    """All searches that are over."""
    made: Found = {}
    for line in LINES.read_text("utf-8").splitlines() if LINES.is_file() else []:
        row = json.loads(line)
        sampler, pruner, seed = (row.pop(key) for key in ("sampler", "pruner", "seed"))
        row["path"] = tuple((seen, volume) for seen, volume in row["path"])
        made.setdefault((sampler, pruner), {})[seed] = Searched(**row)
    return made


def search(sampler: str, pruner: str, seed: int, runs: Path) -> None:
    """One search, and its line."""
    config = config_of(f"{sampler}-{pruner}", seed, runs, None)
    with patch.object(rung, "FIRST_RUNG", rung.RUNGS[0]):  # as in the searches that are there
        run = run_search(replace(config, sampler=sampler, pruner=pruner))
    row = {"sampler": sampler, "pruner": pruner, "seed": seed}
    with LINES.open("a") as file:
        file.write(json.dumps(row | asdict(searched(run.table, seed))) + "\n")


def examples_to_volume(
    title: str, goals: Mapping[int, tuple[float, int]], own: Mapping[int, Searched]
) -> str:
    """One line: how many examples a search takes to another's final volume.

    Args:
        title: What it is.
        goals: That volume and the examples that the other took to it, by seed.
        own: The search, by seed.
    """
    pairs = [(own[seed], *goals[seed]) for seed in sorted(goals) if seed in own]
    ratios = np.array([mine.reached(volume) / examples for mine, volume, examples in pairs])
    reached = np.isfinite(ratios)
    spent = float(np.median([mine.examples / examples for mine, _, examples in pairs]))
    words = f"{reached.sum()} of {len(pairs)} seeds get there"
    if np.isfinite(np.median(ratios)):
        words += f", after {np.median(ratios):.2f} of its examples in the median"
    if reached.any():
        words += f" ({ratios[reached].min():.2f} to {ratios[reached].max():.2f} where they do)"
    return f"- {title}: {words}; the whole search takes {spent:.2f} of them."


def yardsticks() -> dict[int, tuple[float, int]]:
    """Final volume and examples of unpruned searches of loss and size by TPE, by seed."""
    orders, _ = front_searches()
    return {
        order.seed: (area([c.point for c in order.candidates], order.corner), order.examples)
        for order in orders
        if order.dataset == "digits"
    }


def page(made: Found) -> str:
    """What the searches came to."""
    lines = [
        *heading("Samplers, compared", __file__),
        f"Digits, {BUDGET:,} parameters, 60 trials each, one splitting of the data per seed. Each "
        "line is TPE against another sampler under the same pruner.",
        "",
    ]
    for (sampler, pruner), own in made.items():
        usual = made.get((USUAL, pruner), {})
        if sampler == USUAL or not usual.keys() & own.keys():
            continue
        title = f"{USUAL} against {sampler}, {PRUNING[pruner]}"
        lines.append(compared(f"lowest loss, {title}", usual, own, lambda o: o.best))
        lines.append(compared(f"volume, {title}", usual, own, lambda o: o.volume))
    drawn = yardsticks()
    unpruned = {n: (o.volume, o.examples) for n, o in made.get((USUAL, "none"), {}).items()}
    for goals, what in (
        (drawn, f"{USUAL} without pruning, of loss and size as two objectives"),
        (unpruned, f"{USUAL} without pruning, of the loss under budgets as above"),
    ):
        lines += ["", f"Training examples to the final volume of {what}:", ""]
        lines += [
            examples_to_volume(f"{sampler}, {PRUNING[pruner]}", goals, own)
            for (sampler, pruner), own in made.items()
            if (goals is drawn or (sampler, pruner) != (USUAL, "none"))
            and goals.keys() & own.keys()
        ]
    lines += ["", "At as many examples as the search with pruning takes:", ""]
    for sampler in dict.fromkeys(sampler for sampler, _ in made):
        pruned, whole = (made.get((sampler, pruner), {}) for pruner in PRUNING)
        if both := pruned.keys() & whole.keys():
            equal = {seed: whole[seed].until(pruned[seed].examples) for seed in sorted(both)}
            title = f"volume, {sampler} with pruning against itself without"
            lines.append(compared(title, {s: pruned[s] for s in equal}, equal, lambda o: o.volume))
    columns = (
        "| sampler | seed | lowest loss | decoder share | rate | volume | examples | complete |"
    )
    lines += ["", columns, "|---|---|---|---|---|---|---|---|"]
    for (sampler, pruner), own in made.items():
        lines += [
            f"| {sampler}, {PRUNING[pruner]} | {seed} | {o.best:.5f} | {o.share:.0%} "
            f"| {o.rate:.2g} | {o.volume:.3f} | {o.examples:,} | {o.complete} |"
            for seed, o in sorted(own.items())
        ]
    return "\n".join([*lines, ""])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/samplers"))
    parser.add_argument("--samplers", default=",".join((*SAMPLERS, "local")))
    parser.add_argument("--pruners", default=",".join(PRUNING))
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    given = parser.parse_args()
    for seed in map(int, given.seeds.split(",")):
        for pruner in given.pruners.split(","):
            for sampler in given.samplers.split(","):
                if seed not in found().get((sampler, pruner), {}):
                    with with_local_search():
                        search(sampler, pruner, seed, given.runs)
    RESULTS.write_text(page(found()), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
