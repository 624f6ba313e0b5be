"""The default search against the two-objective search and against random search, over seeds.

    python benchmarks/search_designs.py [--runs runs/search-designs] [--seeds 0,1,2,3] [--workers N]

Digits under 20,000 parameters, one seed at a time, each with its own splits:

- `ladder`: the default. The loss is the objective; half of 60 trials fill the budget, the others a
  quarter and a sixteenth of it.
- `two objectives`: `--objectives val_loss,total_params`, 60 trials.
- `random`: candidates of the whole budget drawn at random, none pruned, until they have seen as
  many training examples as the ladder of that seed.

`--add NAME=PATTERN` compares with searches that are there already, such as those of another
version: the pattern names the run directory of a seed, as in `--add "before=runs/old-{seed}"`.
`--keep NAME` takes a search from the table that is there, whose runs need not exist any more;
`--keep NAME=NEW` renames it. With `--keep ladder` nothing is trained.

Compared are the lowest validation loss and the volume that the front of loss and size covers, in
logarithms from the loss of predicting the mean and the budget. Writes benchmarks/search_designs.md.
Some four minutes per seed on two cores; what was ended continues where it stood.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from heading import heading
from scipy.stats import wilcoxon

from asymnas import Run, StudyConfig, run_search
from asymnas.analysis.front import Objective, hypervolume
from asymnas.core.text import plural
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.space.ladder import Ladder
from asymnas.training.reference_loss import mean_predictor_loss

RESULTS = Path(__file__).with_suffix(".md")
LOSS_SIZE = (Objective("val_loss"), Objective("total_params"))
BUDGET = 20_000


@dataclass(frozen=True)
class Outcome:
    """What one search came to.

    Args:
        best: Lowest validation loss.
        size: Parameters of the network that has it, as a part of the budget.
        share: Its decoder share.
        rate: Its learning rate.
        volume: Of the front of loss and size, in logarithms.
        examples: Training examples seen.
        complete: Complete trials.
    """

    best: float
    size: float
    share: float
    rate: float
    volume: float
    examples: int
    complete: int


def config_of(name: str, seed: int, runs: Path, workers: int | None) -> StudyConfig:
    """A search of digits with a directory of its own."""
    return StudyConfig(
        dataset="digits",
        budget=BUDGET,
        seed=seed,
        device="cpu",
        workers=workers,
        name=f"{name}-{seed}",
        run_dir=str(runs / f"{name}-{seed}"),
    )


def random_run(config: StudyConfig, examples: int) -> Run:
    """Random candidates of the whole budget that have seen so many examples, rounded down."""
    plan = plan_search(replace(config, sampler="random", pruner="none"))
    trials = max(1, examples // (plan.config.examples or 1))
    one_rung = Ladder(rungs=(plan.space,))
    plan = replace(plan, config=replace(plan.config, trials=trials), ladder=one_rung)
    with execute(plan) as (run, _):
        return run


@cache
def _mean_loss(seed: int) -> float:
    """The validation loss of predicting the mean, with a seed's splits."""
    plan = plan_search(StudyConfig(dataset="digits", budget=BUDGET, seed=seed))
    return mean_predictor_loss(plan.space.sample(0).architecture, plan.data) or 1.0


def path_of(table: pd.DataFrame, reference: tuple[float, float]) -> tuple[tuple[int, float], ...]:
    """After each complete trial, the examples seen by all drawn up to it, and the volume."""
    table = table.sort_values("trial").reset_index(drop=True)
    seen = table["examples"].cumsum()
    complete = table.index[(table["state"] == "complete") & table["duplicate_of"].isna()]
    return tuple(
        (int(seen[n]), hypervolume(table.iloc[: n + 1], LOSS_SIZE, reference, log=True))
        for n in complete
    )


def reference_of(seed: int) -> tuple[float, float]:
    """Where volumes are measured from, the same for all searches of a seed."""
    return _mean_loss(seed), BUDGET


def outcome_of(table: pd.DataFrame, seed: int) -> Outcome:
    """Reads a search; the reference is the same for all searches of a seed.

    Args:
        table: Its trial table.
        seed: Fixes the splits, and so the loss of predicting the mean.
    """
    done = table[(table["state"] == "complete") & table["duplicate_of"].isna()]
    best = done.loc[done["val_loss"].idxmin()]
    return Outcome(
        best=float(best["val_loss"]),
        size=float(best["total_params"]) / BUDGET,
        share=float(best["decoder_share"]),
        rate=float(best["learning_rate"]),
        volume=hypervolume(table, LOSS_SIZE, reference_of(seed), log=True),
        examples=int(table["examples"].sum()),
        complete=len(done),
    )


def compared(
    title: str,
    ladder: Mapping[int, Outcome],
    other: Mapping[int, Outcome],
    of: Callable[[Outcome], float],
) -> str:
    """One line: the ladder against another design, paired over seeds."""
    pairs = [(of(ladder[seed]), of(other[seed])) for seed in ladder if seed in other]
    ratios = np.array([mine / theirs - 1 for mine, theirs in pairs])
    p = wilcoxon([a - b for a, b in pairs]).pvalue if len(pairs) > 5 else float("nan")
    tested = f", Wilcoxon p = {p:.3f}" if len(pairs) > 5 else ""
    medians = np.median(pairs, axis=0)
    return (
        f"- {title}: median {medians[0]:.5g} against {medians[1]:.5g} "
        f"({medians[0] / medians[1] - 1:+.1%}); over {plural(len(pairs), 'paired seed')} "
        f"{np.median(ratios):+.1%} in the median, from {ratios.min():+.1%} to {ratios.max():+.1%}"
        f"{tested}."
    )


def rows_of(name: str, outcomes: Mapping[int, Outcome]) -> list[str]:
    """A line of the table per seed."""
    return [
        f"| {name} | {seed} | {o.best:.5f} | {o.size:.0%} | {o.share:.0%} | {o.rate:.2g} | "
        f"{o.volume:.3f} | {o.examples:,} | {o.complete} |"
        for seed, o in outcomes.items()
    ]


def kept(name: str, text: str) -> dict[int, Outcome]:
    """A search of the table that was written before, by seed.

    Args:
        name: As the table has it.
        text: The page.
    """
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines()]
    found = {}
    for cells in lines:
        if len(cells) == 9 and cells[0] == name:
            best, size, share, rate, volume, examples, complete = cells[2:]
            found[int(cells[1])] = Outcome(
                best=float(best),
                size=float(size.rstrip("%")) / 100,
                share=float(share.rstrip("%")) / 100,
                rate=float(rate),
                volume=float(volume),
                examples=int(examples.replace(",", "")),
                complete=int(complete),
            )
    if not found:
        raise SystemExit(f"{RESULTS.name} has no search named {name!r}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=Path, default=Path("runs/search-designs"))
    parser.add_argument("--seeds", default="0,1,2,3,4,5,6,7")
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--designs", default="ladder,two objectives,random")
    parser.add_argument("--add", action="append", default=[], metavar="NAME=PATTERN")
    parser.add_argument("--keep", action="append", default=[], metavar="NAME[=NEW]")
    args = parser.parse_args()
    before = RESULTS.read_text("utf-8") if args.keep else ""
    earlier = {
        new or name: kept(name, before)
        for name, _, new in (given.partition("=") for given in args.keep)
    }
    designs = ["ladder", *(d for d in args.designs.split(",") if d != "ladder")]
    if "ladder" in earlier:  # with its runs, those of all designs are there
        designs = []
    seeds = [int(seed) for seed in args.seeds.split(",")]
    outcomes: dict[str, dict[int, Outcome]] = {}
    for seed in seeds:
        for design in designs:
            name = design.replace(" ", "-")
            config = config_of(name, seed, args.runs, args.workers)
            if design == "two objectives":
                config = replace(config, objectives=("val_loss", "total_params"))
            if design == "random":
                table = random_run(config, outcomes["ladder"][seed].examples).table
                outcome = outcome_of(table, seed)
            else:
                outcome = outcome_of(run_search(config).table, seed)
            outcomes.setdefault(design, {})[seed] = outcome
            print(design, seed, outcome, flush=True)
    for given in args.add:
        name, _, pattern = given.partition("=")
        folders = {seed: Path(pattern.format(seed=seed)) for seed in seeds}
        outcomes[name] = {
            seed: outcome_of(Run.open(folder).table, seed)
            for seed, folder in folders.items()
            if (folder / "summary.json").is_file()
        }
    outcomes |= earlier
    ladder = outcomes["ladder"]
    lines = [
        *heading("Designs of a search, compared", __file__),
        f"Digits, {BUDGET:,} parameters, 60 trials each, {plural(len(seeds), 'seed')}. A random "
        "search has as many training examples as the ladder of its seed, or up to one candidate "
        "fewer.",
        "",
    ]
    for name, other in outcomes.items():
        if name != "ladder" and other:
            lines.append(compared(f"lowest loss, ladder against {name}", ladder, other, _best))
            if name != "random":
                lines.append(compared(f"volume, ladder against {name}", ladder, other, _volume))
    lines += [
        "",
        "| search | seed | lowest loss | of the budget | decoder share | rate | volume | examples "
        "| complete |",
        "|---|---|---|---|---|---|---|---|---|",
        *(row for name, found in outcomes.items() for row in rows_of(name, found)),
        "",
    ]
    RESULTS.write_text("\n".join(lines))
    print(RESULTS.read_text())


def _best(outcome: Outcome) -> float:
    return outcome.best


def _volume(outcome: Outcome) -> float:
    return outcome.volume


if __name__ == "__main__":
    main()
