"""How narrow the intervals of a blocked sweep are, against the design of version 0.1.

    python benchmarks/blocked_design.py

Reads the trial tables in studies/results of sweeps of 20,000 parameters, of this version and, in
studies/results/version-0.1, of version 0.1, and writes benchmarks/blocked_design.md: 95 % intervals
beside the training examples they took. Seconds.

Version 0.1 drew other structures for every share. Both designs are read in the same two ways:

- cell against cell, which assumes nothing of the curve: mean log losses of the architectures at the
  share next to one third (two thirds) and at one half, within structures where there are blocks;
- by a parabola in the log odds of the share: one through all architectures, or one per structure.

Intervals are Student's t over architectures or structures. The cost of an even split is each
version's own: by a law over all budgets, or by cross-fitting within the budget.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from heading import heading
from numpy.typing import NDArray
from scipy.special import logit
from scipy.stats import t as student

from asymnas.analysis.blocked.blocks import blocks_of
from asymnas.analysis.blocked.own_rows import own_rows
from asymnas.analysis.estimates import Interval
from asymnas.analysis.share import infer_share
from asymnas.core import columns as t

RESULTS = Path(__file__).with_suffix(".md")
STUDIES = Path(__file__).parents[1] / "studies" / "results"
SETS = {"digits": "digits/sweep", "deep-generator": "deep_generator"}
BUDGET, EVEN, LEVEL = 20_000, 0.5, 0.95
SHARES = (1 / 3, 2 / 3)

Contrast = tuple[float, float]  # estimate and half width, in log loss


@dataclass(frozen=True)
class Widths:
    """What a sweep came to at one budget.

    Args:
        examples: Training examples of its runs, those that chose structures and rates included.
        runs: Runs that count.
        cells: Contrasts at one and two thirds, cell against cell.
        curves: The same by parabolas.
        cost: Estimate, lower and upper end of the cost of an even split.
    """

    examples: int
    runs: int
    cells: Sequence[Contrast]
    curves: Sequence[Contrast]
    cost: tuple[float, float, float]

    @property
    def half_widths(self) -> list[float]:
        halves = [half for _, half in (*self.cells, *self.curves)]
        return [*halves, (self.cost[2] - self.cost[1]) / 2]


def measured(table: pd.DataFrame) -> pd.DataFrame:
    """One row per architecture: the mean log loss `y` and the log odds of its share `x`."""
    rows = table[(table[t.PHASE] == t.MEASURE) & (table[t.STATE] == "complete")]
    if t.MIRRORED in rows:
        rows = rows[~rows[t.MIRRORED].fillna(False).astype(bool)]
    rows = rows.assign(y=np.log(rows[t.VAL_LOSS]), x=logit(rows[t.DECODER_SHARE]))
    if t.STRUCTURE not in rows:
        rows = rows.assign(**{t.STRUCTURE: rows[t.CLUSTER]})
    return rows.groupby([t.STRUCTURE, t.TARGET_SHARE])[["x", "y"]].mean().reset_index()


def over(values: NDArray[np.float64]) -> Contrast:
    """Mean and half width of Student's t interval."""
    half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean()), float(half)


def blocked(table: pd.DataFrame) -> Widths:
    """This version's design, from the budget's own rows."""
    means = measured(table)
    wide = means.pivot(index=t.STRUCTURE, columns=t.TARGET_SHARE, values="y")
    cells, curves = [], []
    for share in SHARES:
        column = min(wide.columns, key=lambda c: abs(c - share))
        middle = min(wide.columns, key=lambda c: abs(c - EVEN))
        cells.append(over((wide[column] - wide[middle]).dropna().to_numpy()))
        x = float(logit(share))
        fits = [np.polyfit(own["x"], own["y"], 2) for _, own in means.groupby(t.STRUCTURE)]
        curves.append(over(np.array([np.polyval(f, x) - np.polyval(f, 0.0) for f in fits])))
    answer = own_rows(blocks_of(table)[0])
    if answer is None:
        raise SystemExit("a sweep of seven shares has a curve")
    return widths(table, cells, curves, answer.cost_of_even_split)


def unblocked(whole: pd.DataFrame) -> Widths:
    """Version 0.1's design; its cost is by the law over all its budgets."""
    entry = next(b for b in infer_share(whole).budgets if b.budget == BUDGET)
    table = whole[whole[t.BUDGET] == BUDGET]
    means = measured(table)
    design = np.stack([np.ones(len(means)), means["x"], means["x"] ** 2], axis=1)
    solution, *_ = np.linalg.lstsq(design, means["y"], rcond=None)
    residual = means["y"] - design @ solution
    degrees = len(means) - 3
    spread = np.linalg.inv(design.T @ design) * (residual @ residual) / degrees
    cells, curves = [], []
    for share in SHARES:
        column = min(means[t.TARGET_SHARE], key=lambda c: abs(c - share))
        one, other = (
            means.loc[np.isclose(means[t.TARGET_SHARE], c), "y"].to_numpy() for c in (column, EVEN)
        )
        pooled = (one.var(ddof=1) + other.var(ddof=1)) / 2
        half = student.ppf((1 + LEVEL) / 2, len(one) + len(other) - 2)
        half *= np.sqrt(pooled * (1 / len(one) + 1 / len(other)))
        cells.append((float(one.mean() - other.mean()), float(half)))
        weights = np.array([0, logit(share), logit(share) ** 2])
        half = student.ppf((1 + LEVEL) / 2, degrees) * np.sqrt(weights @ spread @ weights)
        curves.append((float(weights @ solution), float(half)))
    return widths(table, cells, curves, entry.cost_of_even_split)


def widths(
    table: pd.DataFrame, cells: Sequence[Contrast], curves: Sequence[Contrast], cost: Interval
) -> Widths:
    return Widths(
        examples=int(table[t.EXAMPLES].sum()),
        runs=int((table[t.PHASE] == t.MEASURE).sum()),
        cells=cells,
        curves=curves,
        cost=(float(cost.estimate or 0), float(cost.low or 0), float(cost.high or 0)),
    )


def first_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """A blocked sweep after its first wave: half of the runs that count."""
    return table[(table[t.PHASE] != t.MEASURE) | (table[t.WAVE] == 0)]


def line(data: str, design: str, own: Widths, old: Widths | None) -> str:
    ratios = [""] * len(own.half_widths)
    if old is not None:
        pairs = zip(old.half_widths, own.half_widths, strict=True)
        ratios = [f" ({before / now:.1f})" for before, now in pairs]
    contrasts = [
        f"{estimate:+.3f} ± {half:.3f}{ratio}"
        for (estimate, half), ratio in zip((*own.cells, *own.curves), ratios, strict=False)
    ]
    cost = f"{own.cost[0]:.1%} ({own.cost[1]:.1%} to {own.cost[2]:.1%}){ratios[-1]}"
    cells = [data, design, f"{own.examples / 1e6:.1f} M", str(own.runs), *contrasts, cost]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    lines = [
        *heading("Intervals of a blocked sweep against the design before", __file__),
        f"Budget {BUDGET:,}; 95 % intervals, contrasts in log loss against an even split. In "
        "brackets: how many times narrower than version 0.1's. Version 0.1 chose its rates at the "
        "upper end of a range that was too low, so estimates differ for that reason too. Its "
        "shares next to one and two thirds are 0.3 and 0.7.",
        "",
        "| data | design | examples | runs | 1/3, cells | 2/3, cells | 1/3, parabola | "
        "2/3, parabola | an even split costs |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for data, folder in SETS.items():
        before = unblocked(pd.read_csv(STUDIES / "version-0.1" / folder / "trials.csv"))
        table = pd.read_csv(STUDIES / folder / "trials.csv")
        table = table[(table[t.BUDGET] == BUDGET) & (table[t.HORIZON].fillna(1) == 1)]
        lines.append(line(data, "version 0.1", before, None))
        lines.append(line(data, "blocked", blocked(table), before))
        lines.append(line(data, "blocked, first wave", blocked(first_seeds(table)), before))
    RESULTS.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
