"""How narrow the intervals of a blocked sweep are, against the design of version 0.1.

    python benchmarks/blocked_design.py

Reads the trial tables in studies/results of sweeps of 20,000 parameters, of this version and, in
studies/results/version-0.1, of version 0.1, and writes benchmarks/blocked_design.md: half widths of
the 95 % intervals beside the training examples they took. Seconds.

Version 0.1 drew other structures for every share and inferred the cost of an even split from a law
over all budgets and structures; its table is inferred here as it was then. It had no contrasts:
they are taken from a parabola in the log odds of the share, through one mean log loss per
architecture, with Student's t interval of the difference of two of its points. That is the most
precise that its design gives, if the curve is a parabola.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from heading import heading
from scipy.special import logit
from scipy.stats import t as student

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.own_rows import own_rows
from asymnas.analysis.share import infer_share
from asymnas.core import columns as t

RESULTS = Path(__file__).with_suffix(".md")
STUDIES = Path(__file__).parents[1] / "studies" / "results"
SETS = {"digits": "digits/sweep", "deep-generator": "deep_generator"}
BUDGET, EVEN, LEVEL = 20_000, 0.5, 0.95
SHARES = (1 / 3, 2 / 3)


@dataclass(frozen=True)
class Widths:
    """What a sweep came to at one budget.

    Args:
        examples: Training examples of its runs, those that chose structures and rates included.
        runs: Runs that count.
        contrasts: Estimate and half width at one and two thirds, in log loss.
        cost: Estimate, lower and upper end of the cost of an even split.
    """

    examples: int
    runs: int
    contrasts: tuple[tuple[float, float], ...]
    cost: tuple[float, float, float]

    @property
    def of_cost(self) -> float:
        return (self.cost[2] - self.cost[1]) / 2


def blocked(table: pd.DataFrame) -> Widths:
    """This version's: from the budget's own rows."""
    table = table[(table[t.BUDGET] == BUDGET) & (table[t.HORIZON].fillna(1) == 1)]
    answer = own_rows(blocks_of(table)[0])
    if answer is None:
        raise SystemExit("a sweep of seven shares has a curve")
    families = [c.family for c in answer.contrasts if c.primary]
    cost = answer.cost_of_even_split
    return Widths(
        examples=int(table[t.EXAMPLES].sum()),
        runs=int((table[t.PHASE] == t.MEASURE).sum()),
        contrasts=tuple((f.estimate, (f.high - f.low) / 2) for f in families),
        cost=(cost.estimate, cost.low, cost.high),
    )


def unblocked(table: pd.DataFrame) -> Widths:
    """Version 0.1's: its law over all its budgets; contrasts from a parabola at this one."""
    entry = next(b for b in infer_share(table).budgets if b.budget == BUDGET)
    cost = entry.cost_of_even_split
    table = table[table[t.BUDGET] == BUDGET]
    measured = table[(table[t.PHASE] == t.MEASURE) & (table[t.STATE] == "complete")]
    logs = measured.assign(y=np.log(measured[t.VAL_LOSS]), x=logit(measured[t.DECODER_SHARE]))
    means = logs.groupby(t.CLUSTER)[["x", "y"]].mean()
    design = np.stack([np.ones(len(means)), means["x"], means["x"] ** 2], axis=1)
    solution, *_ = np.linalg.lstsq(design, means["y"], rcond=None)
    degrees = len(means) - 3
    residual = means["y"] - design @ solution
    spread = np.linalg.inv(design.T @ design) * (residual @ residual) / degrees
    contrasts = []
    for share in SHARES:
        x = logit(share)
        weights = np.array([0, x, x**2])
        half = student.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(weights @ spread @ weights)
        contrasts.append((float(weights @ solution), float(half)))
    return Widths(
        examples=int(table[t.EXAMPLES].sum()),
        runs=len(measured),
        contrasts=tuple(contrasts),
        cost=(cost.estimate, cost.low, cost.high),
    )


def first_seeds(table: pd.DataFrame, examples: float) -> pd.DataFrame:
    """A blocked sweep stopped at so many examples: whole structures, the first seed of each."""
    table = table[
        (table[t.BUDGET] == BUDGET) & ((table[t.HORIZON].isna()) | (table[t.HORIZON] == 1))
    ]
    counts = table[t.PHASE] == t.MEASURE
    first = table[~counts | (table[t.REPLICATE] == 0)]
    return first if first[t.EXAMPLES].sum() <= examples else table.head(0)


def line(data: str, design: str, w: Widths, old: Widths | None) -> str:
    cells = [data, design, f"{w.examples / 1e6:.1f} M", str(w.runs)]
    for place, (estimate, half) in enumerate(w.contrasts):
        ratio = f" ({old.contrasts[place][1] / half:.1f} x)" if old else ""
        cells.append(f"{estimate:+.3f} ± {half:.3f}{ratio}")
    ratio = f" ({old.of_cost / w.of_cost:.1f} x)" if old else ""
    cells.append(f"{w.cost[0]:.1%} ({w.cost[1]:.1%} to {w.cost[2]:.1%}){ratio}")
    return f"| {' | '.join(cells)} |"


def main() -> None:
    lines = [
        *heading("Intervals of a blocked sweep against the design before", __file__),
        f"Budget {BUDGET:,}; 95 % intervals, contrasts in log loss against an even split. In "
        "brackets: how many times narrower than version 0.1's. Version 0.1 chose its rates at the "
        "upper end of a range that was too low, so estimates differ for that reason too.",
        "",
        "| data | design | examples | runs | at 1/3 | at 2/3 | an even split costs |",
        "|---|---|---|---|---|---|---|",
    ]
    for data, folder in SETS.items():
        before = unblocked(pd.read_csv(STUDIES / "version-0.1" / folder / "trials.csv"))
        table = pd.read_csv(STUDIES / folder / "trials.csv")
        lines.append(line(data, "version 0.1", before, None))
        lines.append(line(data, "blocked", blocked(table), before))
        if len(half := first_seeds(table, 0.75 * before.examples)):
            lines.append(line(data, "blocked, first seeds alone", blocked(half), before))
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
