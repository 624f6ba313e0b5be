"""Do the learning rates that suit a share lie on a line over it, or on a curve?

    python benchmarks/rate_lines.py

A sweep tunes the rates of two structures at three shares. Until version 0.2 a parabola through the
means of the two gave the rates of all shares; since then a line does. From the tuning runs of all
sweeps in `studies/results`, in steps of a factor of 2 of the rate and of 4 of the ratio, and in the
log odds of the share:

- how far the best rates bend, over sweeps, beside what two structures make them bend by chance;
- what the parabola does to the two contrasts of a sweep if the line is right: half the curvature
  of log loss, as tuning measured it, times the squares of what it is off by;
- sweeps for which that is above 2 % were run anew with the line. `rate_lines.csv` has their first
  measurement.

Writes benchmarks/rate_lines.md in a few seconds.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from heading import heading
from numpy.typing import NDArray
from scipy import stats

from asymnas.analysis.tuning import BROKEN, Losses, RateGrid, grid_losses, interpolated, profiles
from asymnas.core import columns as t

RESULTS = Path(__file__).with_suffix(".md")
FIRST = Path(__file__).with_suffix(".csv")
STUDIES = Path(__file__).parents[1] / "studies"
SHARES = {"1/3": 1 / 3, "1/2": 1 / 2, "2/3": 2 / 3}
MATTERS = 0.02  # of a contrast, in log loss


@dataclass(frozen=True)
class Tuned:
    """The tuning of one sweep at one budget.

    Args:
        name: The study and its budget.
        odds: Log odds of the share, by group `[groups]`.
        best: Steps of rate and ratio that suit each group `[groups, 2]`.
        bend: Second difference of log loss over a step of either, the median over groups `[2]`.
    """

    name: str
    odds: NDArray[np.float64]
    best: NDArray[np.float64]
    bend: NDArray[np.float64]

    def excess(self, share: float) -> float:
        """Log loss above that of the line's rates, at those of the parabola."""
        odds = math.log(share / (1 - share))
        off = [np.polyval(_fit(self, degree), odds) for degree in (2, 1)]
        return float((self.bend * (off[0] - off[1]) ** 2).sum() / 2)


def _fit(tuned: Tuned, degree: int) -> NDArray[np.float64]:
    """Coefficients of rate and ratio `[degree + 1, 2]`, the highest power first."""
    return np.polyfit(tuned.odds, tuned.best, degree)


def tunings() -> Iterator[Tuned]:
    """All sweeps whose rates were tuned at three shares."""
    for file in sorted(STUDIES.glob("results/**/trials.csv")):
        table = pd.read_csv(file)
        if t.STRUCTURE not in table or t.CONTENDER in table or "version-0.1" in file.parts:
            continue
        runs = table[table[t.PHASE] == t.TUNING]
        for budget, own in runs.groupby(t.BUDGET):
            middle = float(own.loc[own[t.RATE_RATIO] == 1, t.LEARNING_RATE].median())
            groups = grid_losses(table, int(budget), RateGrid(middle, 3))
            done = {g: d for g, d in groups.items() if any(map(math.isfinite, d.values()))}
            if len({group.share for group in done}) < 3:
                continue
            yield Tuned(
                name=f"{file.parent.relative_to(STUDIES / 'results')}, {int(budget):,}",
                odds=np.array([math.log(group.share / (1 - group.share)) for group in done]),
                best=np.array([interpolated(losses) for losses in done.values()]),
                bend=np.nanmedian([bends(losses) for losses in done.values()], axis=0),
            )


def bends(done: Losses) -> list[float]:
    """Second differences of log loss at the best rate and ratio; NaN where it broke down beside."""
    found = []
    for along in profiles(done):
        best = min(along, key=lambda step: along[step])
        around = [along.get(best + step, math.inf) for step in (-1, 0, 1)]
        sound = max(around) < around[1] + BROKEN
        found.append(around[0] - 2 * around[1] + around[2] if sound else math.nan)
    return found


def bending(made: list[Tuned]) -> list[str]:
    """Over sweeps: coefficients of square and slope, and what two structures make of them."""
    lines = [
        "| | square, mean | p | its spread | by structures alone | slope, mean | p |",
        "|---|---|---|---|---|---|---|",
    ]
    for place, what in enumerate(("rate", "ratio")):
        square = np.array([_fit(tuned, 2)[0, place] for tuned in made])
        slope = np.array([_fit(tuned, 1)[0, place] for tuned in made])
        noise = math.sqrt(np.mean([_by_chance(tuned, place) for tuned in made]))
        cells = []
        for values in (square, slope):
            tested = stats.ttest_1samp(values, 0)
            error = values.std(ddof=1) / math.sqrt(len(values))
            cells.append(f"{values.mean():.3f} ± {error:.3f} | {tested.pvalue:.2g}")
        lines.append(
            f"| {what} | {cells[0]} | {square.std(ddof=1):.3f} | {noise:.3f} | {cells[1]} |"
        )
    return lines


def _by_chance(tuned: Tuned, place: int) -> float:
    """The variance of the square's coefficient that differences between structures make."""
    values = pd.Series(tuned.best[:, place]).groupby(tuned.odds.round(3))
    within = float(values.var(ddof=1).mean())
    design = np.vander(tuned.odds, 3)
    return float(np.linalg.inv(design.T @ design)[0, 0] * within)


def effects(made: list[Tuned]) -> list[str]:
    """What the parabola does to each sweep's contrasts, the most first."""
    rows = []
    for tuned in made:
        half = tuned.excess(SHARES["1/2"])
        rows.append((tuned.name, *(tuned.excess(SHARES[s]) - half for s in ("1/3", "2/3"))))
    rows.sort(key=lambda row: -max(map(abs, row[1:])))
    few = sum(max(map(abs, row[1:])) > MATTERS for row in rows)
    return [
        f"Of {len(rows)} tunings {few} are above {MATTERS:.0%}; the median is "
        f"{np.median([max(map(abs, row[1:])) for row in rows]):.1%}.",
        "",
        "| sweep, parameters | effect on 1/3 against 1/2 | on 2/3 against 1/2 |",
        "|---|---|---|",
        *(f"| {name} | {third:+.1%} | {two:+.1%} |" for name, third, two in rows),
    ]


def contrasts(runs: pd.DataFrame) -> dict[str, float]:
    """Mean log ratios of the loss to that at a half, over structures, each with all its seeds."""
    logs = np.log(runs.pivot_table(index=t.STRUCTURE, columns=t.TARGET_SHARE, values=t.VAL_LOSS))
    half = logs[min(logs, key=lambda share: abs(share - SHARES["1/2"]))]
    near = {s: min(logs, key=lambda share, s=s: abs(share - SHARES[s])) for s in ("1/3", "2/3")}
    return {s: float((logs[share] - half).mean()) for s, share in near.items()}


def anew() -> list[str]:
    """Both measurements of the sweeps that were run again."""
    lines = [
        "| sweep | 1/3, before | 1/3, now | 2/3, before | 2/3, now | loss at 1/2, now to before |",
        "|---|---|---|---|---|---|",
    ]
    for name, before in pd.read_csv(FIRST).groupby("study"):
        table = pd.read_csv(STUDIES / "results" / str(name) / "trials.csv")
        now = table[(table[t.PHASE] == t.MEASURE) & (table[t.STATE] == "complete")]
        now = now[~now[t.MIRRORED].astype(bool)]
        keys = [t.STRUCTURE, t.REPLICATE, t.TARGET_SHARE]
        both = before.merge(now, on=keys, suffixes=("_before", "_now"))
        both = both[(both[t.TARGET_SHARE] - SHARES["1/2"]).abs() < 0.01]
        change = np.log(both[f"{t.VAL_LOSS}_now"] / both[f"{t.VAL_LOSS}_before"])
        error = change.std(ddof=1) / math.sqrt(len(change))
        pairs = (contrasts(before), contrasts(now))
        cells = [f"{math.expm1(c[share]):+.1%}" for share in ("1/3", "2/3") for c in pairs]
        lines.append(
            f"| {name} | {' | '.join(cells)} | {math.expm1(change.mean()):+.1%} ± {error:.1%} "
            f"({len(change)} networks) |"
        )
    return lines


def main() -> None:
    made = list(tunings())
    lines = [
        *heading("Learning rates over the share: a line or a curve", __file__),
        f"The best rate (steps of 2) and ratio (steps of 4) over the log odds of the share, in "
        f"{len(made)} tunings of two structures each; standard errors.",
        "",
        *bending(made),
        "",
        "What a parabola through two structures does to the contrasts, if the line is right:",
        "",
        *effects(made),
        "",
        "Those above 2 %, measured anew with the line; standard errors over networks:",
        "",
        *anew(),
    ]
    RESULTS.write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(RESULTS.read_text("utf-8"))


if __name__ == "__main__":
    main()
