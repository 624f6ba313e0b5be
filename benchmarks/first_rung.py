"""A first rung after an eighteenth of the examples against one after a sixth, in real searches.

    python benchmarks/first_rung.py [--searches digits,fashion-mnist] [--seeds 0,1,2,3]

The default search, with its pruning. Two searches of one seed, which differ in nothing but that
rung, are a pair. Compared are the training examples, the lowest validation loss and the volume that
the front of loss and size covers, in logarithms from the loss of predicting the mean and the
budget: in the end, and after as many examples as the one with the early rung takes. On digits, too,
the examples until the front covers as much as that of an unpruned search of loss and size by TPE
does in the end (`front_pruning.py`).

A search that is over is a line of benchmarks/first_rung.jsonl; benchmarks/first_rung.md is written
from all lines.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from unittest.mock import patch

import numpy as np
from heading import heading
from samplers import examples_to_volume, yardsticks
from scipy.stats import wilcoxon
from search_designs import path_of

from asymnas import StudyConfig, run_search
from asymnas.runs.plan import plan_search
from asymnas.training import rung
from asymnas.training.reference_loss import mean_predictor_loss

RESULTS = Path(__file__).with_suffix(".md")
LINES = Path(__file__).with_suffix(".jsonl")
SEARCHES = {
    "digits": {"dataset": "digits", "budget": 20_000, "trials": 60},
    "variational digits": {
        "dataset": "digits",
        "budget": 20_000,
        "trials": 60,
        "kind": "variational",
    },
    "signals": {"dataset": "signals", "budget": 20_000, "trials": 40},
    "fashion-mnist": {
        "dataset": "fashion-mnist",
        "budget": 150_000,
        "trials": 40,
        "examples": 60_032,
    },
}
FIRST = {"an eighteenth": rung.FIRST_RUNG, "a sixth": rung.RUNGS[0]}


@dataclass(frozen=True, kw_only=True)
class Searched:
    """What a search came to.

    Args:
        search: Which.
        first: After which part of the examples its first rung is.
        seed: Of the splits and the draws.
        examples: Training examples seen.
        best: The lowest validation loss.
        path: After each complete trial, the examples seen by all trials drawn up to it, and the
            volume.
    """

    search: str
    first: str
    seed: int
    examples: int
    best: float
    path: tuple[tuple[int, float], ...]

    def volume(self, examples: float = np.inf) -> float:
        """What the front covers after so many examples."""
        return max((volume for seen, volume in self.path if seen <= examples), default=0.0)

    def reached(self, volume: float) -> float:
        """Training examples until the front covers so much; infinite if it never does."""
        return next((seen for seen, covered in self.path if covered >= volume), np.inf)


def config_of(search: str, seed: int, sampler: str = "tpe") -> StudyConfig:
    """A search of a seed."""
    return StudyConfig(**SEARCHES[search], seed=seed, sampler=sampler, device="cpu")


@cache
def corner(search: str, seed: int) -> tuple[float, float]:
    """Where volumes are measured from."""
    plan = plan_search(config_of(search, seed))
    loss = mean_predictor_loss(plan.space.sample(0).architecture, plan.data)
    return loss or 1.0, float(plan.config.budget or 0)


def run(search: str, first: str, config: StudyConfig, lines: Path = LINES) -> None:
    """One search, and its line."""
    with patch.object(rung, "FIRST_RUNG", FIRST[first]):
        table = run_search(config).table
    made = Searched(
        search=search,
        first=first,
        seed=config.seed,
        examples=int(table["examples"].sum()),
        best=float(table.loc[table["state"] == "complete", "val_loss"].min()),
        path=path_of(table, corner(search, config.seed)),
    )
    with lines.open("a") as file:
        file.write(json.dumps(asdict(made)) + "\n")


def found(path: Path = LINES) -> list[Searched]:
    """All searches that are over."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines]
    return [Searched(**row | {"path": tuple(map(tuple, row["path"]))}) for row in rows]


def change(pairs: list[tuple[float, float]]) -> str:
    """The first of each pair against the second: median, range and p."""
    ratios = np.array([early / usual - 1 for early, usual in pairs])
    p = wilcoxon(np.log1p(ratios)).pvalue if len(pairs) > 5 and ratios.any() else np.nan
    tested = f", p = {p:.3f}" if np.isfinite(p) else ""
    return f"{np.median(ratios):+.1%} ({ratios.min():+.1%} to {ratios.max():+.1%}{tested})"


def page(made: list[Searched]) -> str:
    """What the searches came to."""
    by = {(each.search, each.first, each.seed): each for each in made}
    lines = [
        *heading("The first rung", __file__),
        "A first rung after an eighteenth of the examples against one after a sixth: change in the "
        "median over seeds, range, Wilcoxon's p from six seeds on.",
        "",
        "| search | seeds | examples | lowest loss | volume | volume at as many examples |",
        "|---|---|---|---|---|---|",
    ]
    for search in SEARCHES:
        pairs = [
            (by[search, "an eighteenth", each.seed], each)
            for each in made
            if (each.search, each.first) == (search, "a sixth")
            and (search, "an eighteenth", each.seed) in by
        ]
        if not pairs:
            continue
        cells = [search, str(len(pairs))]
        values: list[Callable[[Searched, Searched], tuple[float, float]]] = [
            lambda a, b: (a.examples, b.examples),
            lambda a, b: (a.best, b.best),
            lambda a, b: (a.volume(), b.volume()),
            lambda a, b: (a.volume(), b.volume(a.examples)),
        ]
        for of in values:
            cells.append(change([of(*pair) for pair in pairs]))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Digits, to the final volume of an unpruned search of loss and size by TPE:", ""]
    for first in FIRST:
        own = {e.seed: e for e in made if (e.search, e.first) == ("digits", first)}
        lines.append(examples_to_volume(f"after {first}", yardsticks(), own))
    lines += ["", "| search | first rung | seed | examples | lowest loss | volume |"]
    lines += ["|---|---|---|---|---|---|"]
    for each in sorted(made, key=lambda one: (one.search, one.seed, one.first)):
        lines.append(
            f"| {each.search} | {each.first} | {each.seed} | {each.examples:,} "
            f"| {each.best:.5f} | {each.volume():.3f} |"
        )
    return "\n".join([*lines, ""])


def asked_for(description: str) -> Iterator[tuple[str, int]]:
    """Searches and seeds that the command line asks for, in the order in which they run."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--searches", default=",".join(SEARCHES))
    parser.add_argument("--seeds", default="0,1,2,3")
    given = parser.parse_args()
    for seed in map(int, given.seeds.split(",")):
        yield from ((search, seed) for search in given.searches.split(","))


def main() -> None:
    """The command."""
    for search, seed in asked_for(__doc__):
        done = {(each.search, each.first, each.seed) for each in found()}
        for first in FIRST:
            if (search, first, seed) not in done:
                directory = Path("runs", "first-rung", f"{search}, {first}, {seed}")
                config = replace(config_of(search, seed), run_dir=str(directory))
                run(search, first, config)
    RESULTS.write_text(page(found()), "utf-8")
    print(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
