"""How well the inference of a blocked sweep finds answers that are known.

    python benchmarks/calibration.py [--draws 500] [--laws 100] [--kept calibration.jsonl]
    python benchmarks/calibration.py --only "heavy tails" --draws 100     # prints this row alone

Draws sweeps from each of several truths, infers each, and writes how often intervals hold what they
should to benchmarks/calibration.md, with hardware and versions. Draws are appended to a file, so
that a run that was stopped goes on where it was. Takes about a quarter of an hour on one core.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from heading import heading
from scipy.special import expit, logit

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.own_rows import own_rows
from asymnas.analysis.blocked.sampling import ExampleLosses
from asymnas.analysis.blocked.synthetic import (
    SHARES,
    BlockedDesign,
    Spread,
    Truth,
    blocked_sweep,
)
from asymnas.analysis.blocked.waves import allocate, half_width, stopping_level
from asymnas.analysis.estimates import EVEN, PRIMARY, BudgetShare, Interval
from asymnas.analysis.laws.synthetic import QuadraticTruth, truth_with_share
from asymnas.analysis.share import infer_share

RESULTS = Path(__file__).with_suffix(".md")
BUDGET = 20_000
BUDGETS = (BUDGET, 3 * BUDGET, 9 * BUDGET)
GRID = expit(np.linspace(*logit([SHARES[0], SHARES[-1]]), 4_001))
TOLERANCE = 0.01
SMALLEST, LARGEST = 0.03, 0.3  # noise of a run: interaction and seed, in equal parts
OFF = 0.03  # by how much shares miss their targets
MIRRORING = 0.05
EXAMPLES = 150

Draw = dict[str, Any]


@dataclass(frozen=True)
class Bottleneck:
    """A smooth curve with a kink: beyond it one side is too narrow for the code."""

    smooth: QuadraticTruth
    kink: float  # logit of the share
    slope: float  # of log loss beyond it, per logit; below zero on the side of small shares

    def loss(self, encoder: Any, decoder: Any) -> Any:
        away = np.log(decoder / encoder) - self.kink
        return self.smooth.loss(encoder, decoder) * np.exp(np.maximum(self.slope * away, 0.0))


@dataclass(frozen=True)
class Flat:
    """The share does not matter."""

    def loss(self, encoder: Any, decoder: Any) -> Any:
        return 0.02 + 0.0 * (encoder + decoder)


def law(name: Any, rng: np.random.Generator) -> Truth:
    return truth_with_share(
        name,
        float(rng.choice([0.2, 0.35, 0.5, 0.65, 0.8])),
        budget=BUDGET,
        irreducible=rng.uniform(0.05, 0.5),
        exponents=tuple(rng.uniform(0.2, 0.7, 2)),
    )


def alike(rng: np.random.Generator) -> Truth:
    exponent = rng.uniform(0.2, 0.7)
    return truth_with_share("additive", 0.5, budget=BUDGET, exponents=(exponent, exponent))


def quadratic(drift: float, rng: np.random.Generator) -> QuadraticTruth:
    return QuadraticTruth(
        share=float(rng.choice([0.2, 0.35, 0.5, 0.65, 0.8])),
        budget=BUDGETS[1],
        curvature=rng.uniform(0.02, 0.1),
        drift=rng.uniform(-drift, drift),
    )


def bottleneck(rng: np.random.Generator) -> Truth:
    """The kink lies at least half a logit from the optimum, on either side of it."""
    smooth, side = quadratic(0.0, rng), rng.choice([-1.0, 1.0])
    kink = logit(smooth.share) + side * rng.uniform(0.5, 1.5)
    return Bottleneck(smooth, kink, side * rng.uniform(0.03, 0.15))


def kink_at_optimum(rng: np.random.Generator) -> Truth:
    """V-shaped: no smooth curve can follow it."""
    smooth, side = replace(quadratic(0.0, rng), curvature=0.01), rng.choice([-1.0, 1.0])
    slope = rng.uniform(0.03, 0.15)
    first = Bottleneck(smooth, logit(smooth.share), side * slope)
    return Bottleneck(first, logit(smooth.share), -side * rng.uniform(0.03, 0.15))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Scenario:
    """Sweeps drawn alike."""

    truth: Callable[[np.random.Generator], Truth]
    spread: Mapping[str, Any] = field(default_factory=dict)
    missing: float = 0.0  # part of the runs that is not there
    null: bool = False  # whether a claim of a side is an error
    budgets: tuple[int, ...] = (BUDGETS[1],)
    waves: bool = False
    examples: bool = False
    stuck: float = 0.0  # part of the runs that end at twice the loss


SCENARIOS: dict[str, Scenario] = {
    "additive law": Scenario(partial(law, "additive")),
    "multiplicative law": Scenario(partial(law, "multiplicative")),
    "quadratic in the logit": Scenario(partial(quadratic, 0.0)),
    "structure × share": Scenario(partial(law, "additive"), {"tilt": 0.05}),
    "kink at a bottleneck": Scenario(bottleneck),
    "kink at the optimum": Scenario(kink_at_optimum),
    "heavy tails": Scenario(partial(law, "additive"), {"tilt": 0.03, "heavy_tails": True}),
    "noise grows away from 1/2": Scenario(partial(law, "additive"), {"growth": 0.7}),
    "optimum moves with the budget": Scenario(partial(quadratic, 0.5), budgets=BUDGETS),
    "a tenth of the runs missing": Scenario(partial(law, "additive"), missing=0.1),
    "one run in thirty is stuck": Scenario(partial(law, "additive"), stuck=1 / 30),
    "few validation examples": Scenario(partial(law, "additive"), examples=True),
    "stopped at a width": Scenario(partial(law, "additive"), waves=True),
    "null: sides alike": Scenario(alike, null=True),
    "null: share does not matter": Scenario(lambda rng: Flat(), null=True),
    "null: stopped at a width": Scenario(lambda rng: Flat(), null=True, waves=True),
    "null: optima of structures scattered": Scenario(alike, {"tilt": 0.05}, null=True),
}
#: Truths whose pooled law is judged, with three budgets.
LAWS = {
    "additive law": SCENARIOS["additive law"],
    "multiplicative law": SCENARIOS["multiplicative law"],
    "quadratic in the logit": Scenario(partial(quadratic, 0.2)),
    "optimum moves with the budget": SCENARIOS["optimum moves with the budget"],
    "heavy tails": SCENARIOS["heavy tails"],
}


def noise_of(scenario: Scenario, rng: np.random.Generator) -> Spread:
    noise = float(np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))) / np.sqrt(2)
    usual = Spread(interaction=noise, seed=noise, mirroring=MIRRORING)
    return replace(usual, **scenario.spread)


def known(truth: Truth, budget: int) -> tuple[float, float, list[float]]:
    """Best share between those trained, cost of an even split, primary contrasts."""
    shares = np.array([*GRID, EVEN, *PRIMARY])
    curve = np.log(truth.loss((1 - shares) * budget, shares * budget))
    best = int(curve[: len(GRID)].argmin())
    even = curve[len(GRID)]
    return float(GRID[best]), float(np.expm1(even - curve[best])), list(curve[-2:] - even)


def own(name: str, scenario: Scenario, number: int) -> Draw:
    """One sweep, and what its own rows gave at the first budget."""
    rng = np.random.default_rng([list(SCENARIOS).index(name), number])
    truth, spread = scenario.truth(rng), noise_of(scenario, rng)
    budget = scenario.budgets[-1]
    structures, seeds, level = int(rng.integers(5, 13)), int(rng.integers(1, 4)), 0.95
    design = BlockedDesign(budgets=(budget,), structures=structures, seeds=seeds, off=OFF)
    if scenario.waves:
        design = replace(design, structures=24, seeds=2)
    table = blocked_sweep(truth, design, spread, seed=int(rng.integers(2**31)))
    losses = None
    if scenario.stuck:
        poor = rng.uniform(size=len(table)) < scenario.stuck
        table = table.assign(val_loss=table["val_loss"] * np.where(poor, 2.0, 1.0))
    if scenario.missing:
        table = table[rng.uniform(size=len(table)) >= scenario.missing]
    if scenario.examples:
        table, losses = with_examples(table, rng)
    if scenario.waves:
        table, level = stopped(table, spread, rng), stopping_level(0.95)
    answer = own_rows(blocks_of(table)[0], losses, tolerance=TOLERANCE, level=level, seed=number)
    if answer is None:
        raise ValueError("a sweep of seven shares must have a curve")
    best, cost, contrasts = known(truth, budget)
    found = [c for c in answer.contrasts if c.primary]
    first = found[0].family
    entry = BudgetShare(
        budget=budget,
        tolerance=TOLERANCE,
        cross_check=Interval(),
        architectures=0,
        runs=0,
        **{k: v for k, v in vars(answer).items() if k in BudgetShare.__dataclass_fields__},
    )
    side = "decoder-heavy" if contrasts[1] < contrasts[0] else "encoder-heavy"
    claim = entry.outcome.endswith("heavy")
    return {
        "contrasts": [held(c.family, x) for c, x in zip(found, contrasts, strict=True)],
        "share": answer.share.contains(best),
        "cost": answer.cost_of_even_split.contains(cost),
        "cost low": answer.cost_of_even_split.low <= cost,
        "mirroring": held(answer.mirroring.family, MIRRORING) if answer.mirroring else None,
        "alarm": answer.departs,
        "claim": claim,
        "wrong": claim and (scenario.null or entry.outcome != side),
        "wrong equivalence": entry.outcome == "no difference that matters" and cost > TOLERANCE,
        "equivalence": entry.outcome == "no difference that matters",
        "width": None if first.low is None else (first.high - first.low) / 2,
        "error of cost": answer.cost_of_even_split.estimate - cost,
        "structures": answer.structures,
    }


def held(interval: Interval, value: float) -> bool | None:
    """Whether an interval holds a value; `None` where too few structures have one."""
    return None if interval.low is None else interval.contains(value)


def with_examples(
    table: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, ExampleLosses]:
    """Losses as means over a few examples, which prefer shares of their own."""
    hardness = rng.gamma(2, 0.5, EXAMPLES)
    tilts = rng.normal(0, 0.4, EXAMPLES)
    x = logit(table["decoder_share"].to_numpy())[:, None]
    relative = hardness * np.exp(tilts * x - (0.4 * x) ** 2 / 2)  # of mean one in the population
    losses = table["val_loss"].to_numpy()[:, None] * relative
    kept = {int(t): row.astype(np.float32) for t, row in zip(table["trial"], losses, strict=True)}
    return table.assign(val_loss=losses.mean(axis=1)), ExampleLosses(kept)


def stopped(whole: pd.DataFrame, spread: Spread, rng: np.random.Generator) -> pd.DataFrame:
    """What a sweep has that trains until its intervals are as wide as some structures make them."""
    single = 2 * (spread.interaction**2 + spread.seed**2)
    until = 2.1 * np.sqrt(single / rng.uniform(5, 18))
    budget = int(whole["budget"].iloc[0])
    keys = ["structure", "target_share", "replicate", "mirrored"]
    rows = whole.assign(target_share=whole["target_share"].round(6))
    table = rows[(rows["structure"] < 4) & (rows["replicate"] == 0)]
    while (width := half_width(table, budget)) is None or width > until:
        runs = allocate(table, budget, 32, spare=range(24), seeds=2)
        if not runs:
            break
        asked = [(r.structure, round(r.share, 6), r.replicate, r.mirrored) for r in runs]
        table = pd.concat([table, rows[rows.set_index(keys).index.isin(asked)]])
    return table


def by_law(name: str, scenario: Scenario, number: int) -> Draw:
    """One sweep of three budgets, and what the law gave at the middle one."""
    rng = np.random.default_rng([100 + list(LAWS).index(name), number])
    truth, spread = scenario.truth(rng), noise_of(scenario, rng)
    table = blocked_sweep(
        truth, BlockedDesign(budgets=BUDGETS, off=OFF), spread, seed=int(rng.integers(2**31))
    )
    inferred = infer_share(table, resamples=300, seed=number)
    entry = next(b for b in inferred.budgets if b.budget == BUDGETS[1])
    best, cost, _ = known(truth, BUDGETS[1])
    return {
        "own": entry.share.contains(best),
        "pooled": entry.pooled.contains(best),
        "cost": None if entry.pooled_cost.low is None else entry.pooled_cost.contains(cost),
        "own width": entry.share.high - entry.share.low,
        "pooled width": entry.pooled.high - entry.pooled.low,
        "process": entry.cross_check.contains(best),
        "departs": inferred.departs,
        "disagree": bool(entry.disagreeing),
        "borrowed": entry.borrowed,
    }


def draws(
    kind: Callable[[str, Scenario, int], Draw],
    name: str,
    scenario: Scenario,
    count: int,
    kept: Path,
) -> pd.DataFrame:
    """So many draws of a scenario, those in the file first."""
    key = f"{kind.__name__}: {name}"
    lines = kept.read_text().splitlines() if kept.exists() else []
    known_draws = {r["number"]: r for r in map(json.loads, lines) if r["key"] == key}
    with kept.open("a") as file:
        for number in range(count):
            if number not in known_draws:
                started = time.process_time()
                row = {"key": key, "number": number, **kind(name, scenario, number)}
                row["seconds"] = time.process_time() - started
                file.write(json.dumps(row, default=float) + "\n")
                file.flush()
                known_draws[number] = row
    return pd.DataFrame([known_draws[number] for number in range(count)])


def rate(values: Any) -> str:
    part = pd.Series(values).dropna().astype(float)
    return f"{part.mean():.1%}" if len(part) else "–"


def own_row(name: str, table: pd.DataFrame) -> dict[str, str]:
    """A row of the table of coverage."""
    broken = table[~table["share"].astype(bool) | ~table["cost"].astype(bool)]
    flat = "not matter" in name or name == "null: stopped at a width"
    return {
        "truth": name,
        "draws": str(len(table)),
        "contrasts": rate([held for draw in table["contrasts"] for held in draw]),
        "s*": "–" if flat else rate(table["share"]),
        "cost": rate(table["cost"]),
        "cost not below": rate(table["cost low"]),
        "mirroring": rate(table["mirroring"]),
        "departs": rate(table["alarm"]),
        "departs where missed": rate(broken["alarm"]),
        "claims": rate(table["claim"]),
        "wrong claims": rate(table["wrong"]),
        "no difference": rate(table["equivalence"]),
        "wrongly": rate(table["wrong equivalence"]),
        "half width": f"{table['width'].median():.3f}",
        "bias of cost": f"{table['error of cost'].mean():+.4f}",
        "structures": f"{table['structures'].mean():.1f}",
        "seconds": f"{table['seconds'].median():.2f}",
    }


def law_row(name: str, table: pd.DataFrame) -> dict[str, str]:
    """A row of the table of the pooled law."""
    missed = table[~table["pooled"].astype(bool)]
    warned = missed["departs"].astype(bool) | missed["disagree"].astype(bool)
    return {
        "truth": name,
        "draws": str(len(table)),
        "own rows cover s*": rate(table["own"]),
        "law covers s*": rate(table["pooled"]),
        "law covers cost": rate(table["cost"]),
        "width, own": f"{table['own width'].median():.3f}",
        "width, law": f"{table['pooled width'].median():.3f}",
        "GP covers s*": rate(table["process"]),
        "lack of fit": rate(table["departs"]),
        "methods disagree": rate(table["disagree"]),
        "alarm where the law misses": rate(warned),
        "borrowed": rate(table["borrowed"]),
        "seconds": f"{table['seconds'].median():.2f}",
    }


def markdown(rows: list[dict[str, str]]) -> str:
    """Rows of equal keys as a table."""
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([row[name] for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=500, help="sweeps a truth")
    parser.add_argument("--laws", type=int, default=100, help="sweeps a truth with the pooled law")
    parser.add_argument("--kept", type=Path, default=Path("calibration.jsonl"))
    parser.add_argument("--only", choices=SCENARIOS, help="print its row and write nothing")
    args = parser.parse_args()
    rows = []
    for name, scenario in SCENARIOS.items():
        if args.only in (None, name):
            rows.append(own_row(name, draws(own, name, scenario, args.draws, args.kept)))
            print(markdown(rows[-1:]), flush=True)
    if args.only:
        return
    pooled = []
    for name, scenario in LAWS.items():
        pooled.append(law_row(name, draws(by_law, name, scenario, args.laws, args.kept)))
        print(markdown(pooled[-1:]), flush=True)
    lines = [*heading("Calibration of a blocked sweep", __file__), INTRODUCTION, "", markdown(rows)]
    lines += ["", EXPLAINED, "", "## The law over all budgets", "", POOLED, "", markdown(pooled)]
    RESULTS.write_text("\n".join(lines) + "\n")


INTRODUCTION = (
    "Each draw has its own truth (best share one of .2, .35, .5, .65, .8, exponents .2 to .7 or "
    "curvature .02 to .1 per squared logit, irreducible part 5 to 50 %), its own design (5 to 12 "
    "structures, 1 to 3 seeds, seven shares with odds 1/8 to 8, each off its target by up to "
    f"{OFF:g}) and its own noise: log-uniform from {SMALLEST:g} to {LARGEST:g} for a single run, "
    "structure × share and seed in equal parts, and .3 between structures. Figures are how often "
    "95 % intervals hold the truth; with 500 draws they are themselves off by ± 2 points."
)
EXPLAINED = (
    "*Contrasts*: the two primary ones. *s\\** and *cost* (of an even split): of the average "
    "structure, between the lowest and the highest share trained. *Cost not below*: how often the "
    "lower end is not above the truth. *Departs*: the alarm that the structures' means depart from "
    "the curve; *where missed*: among draws whose interval of s* or cost misses. *Wrong claims*: "
    "of a side that is not the better one by the true contrasts; in a null, of any. *Wrongly*: no "
    "difference that matters is said where the true cost exceeds the tolerance of 1 %. *Half "
    "width*: of the primary contrast at 1/3, median, in log loss. *Stopped at a width*: four "
    "structures first, then waves of 32 runs where `allocate` sends them, until the wider half "
    "interval is as narrow as 5 to 18 structures would make it. *Optimum moves* is judged at the "
    "largest budget. *Stuck*: runs at random have twice the loss; the truth "
    "is that of the others. *Few validation examples*: losses are means over "
    f"{EXAMPLES} examples that prefer shares of their own. Null: a claim of a side is an error."
)
POOLED = (
    "Three budgets (20k, 60k, 180k), six structures at each, two seeds; figures are of the middle "
    "one, 300 resamples. *Alarm*: lack of fit, or methods whose best shares differ."
)

if __name__ == "__main__":
    main()
