"""Made findings to draw: a sweep with what is inferred of it, and a confirmation."""

import numpy as np
import pandas as pd

from asymnas.analysis.estimates import (
    Band,
    BudgetShare,
    Comparison,
    Contender,
    Interval,
    ShareInference,
)

RUNGS = (20_000, 40_000, 80_000)
SHARES = np.linspace(0.1, 0.9, 9)


def loss_at(budget: float, share):
    """A law whose best share is near .6."""
    return 0.006 + 0.35 * (budget * (1 - share)) ** -0.42 + 0.75 * (budget * share) ** -0.45


def made_sweep(budgets, runs: int = 2) -> pd.DataFrame:
    """`runs` runs a budget and share, one tuning run a budget, one failed run at all."""
    rng, rows = np.random.default_rng(0), []
    for budget in budgets:
        rows.append(_run(budget, 0.5, 9.0) | {"phase": "tuning"})
        for share in SHARES:
            for _ in range(runs):
                rows.append(_run(budget, share, loss_at(budget, share) * rng.lognormal(0, 0.05)))
    rows.append(_run(min(budgets), 0.5, float("nan")) | {"state": "failed"})
    return pd.DataFrame([{"trial": n, **row} for n, row in enumerate(rows)])


def _run(budget: int, share: float, loss: float) -> dict:
    return {
        "state": "complete",
        "phase": "measure",
        "budget": budget,
        "duplicate_of": pd.NA,
        "decoder_share": share,
        "val_loss": loss,
        "examples": RUNGS[-1],
        "curve": [[rung, loss * (RUNGS[-1] / rung) ** 0.5] for rung in RUNGS],
    }


def made_inference(
    budgets, stars=None, sure: bool = True, trend: bool = True, **more
) -> ShareInference:
    """What a sweep of these budgets might say; not sure: without any interval."""
    stars = stars or [0.6] * len(budgets)
    entries = tuple(_entry(budget, star, sure) for budget, star in zip(budgets, stars, strict=True))
    band = None
    if trend and len(budgets) > 1:
        x = np.geomspace(min(budgets) / 2, max(budgets) * 2, 30)
        y = np.interp(np.log(x), np.log(budgets), stars)
        band = Band(x=x, y=y, low=y - 0.05, high=y + 0.05)
    return ShareInference(**{"law": "additive", "budgets": entries, "trend": band, **more})


def _entry(budget: int, star: float, sure: bool) -> BudgetShare:
    x = np.linspace(0.1, 0.9, 81)
    y = loss_at(budget, x)
    spread = y * 0.05 if sure else y * np.nan
    return BudgetShare(
        budget=budget,
        share=_interval(star, 0.05, sure),
        tolerance=0.01,
        within=Interval(low=star - 0.12, high=star + 0.13),
        cost_of_even_split=_interval(0.0062, 0.004, sure),
        cross_check=_interval(star + 0.02, 0.08, sure),
        curve=Band(x=x, y=y, low=y - spread, high=y + spread),
        at_edge=False,
        architectures=9,
        runs=18,
    )


def _interval(estimate: float, half: float, sure: bool) -> Interval:
    if not sure:
        return Interval(estimate=estimate)
    return Interval(estimate=estimate, low=estimate - half, high=estimate + half)


#: A budget of which nothing is known, not even a curve.
NOTHING_KNOWN = BudgetShare(
    budget=150_000,
    share=Interval(),
    tolerance=0.01,
    within=Interval(),
    cost_of_even_split=Interval(),
    cross_check=Interval(),
    curve=Band(x=np.empty(0), y=np.empty(0), low=np.empty(0), high=np.empty(0)),
    at_edge=False,
    architectures=0,
    runs=0,
)


def made_contender(name: str, losses) -> Contender:
    scores = dict(enumerate(losses))
    return Contender(
        name=name,
        params=149_312,
        macs=4_200_000,
        decoder_share=0.62,
        learning_rate=2.7e-3,
        scores=scores,
        metrics={"psnr": {seed: -10 * np.log10(loss) for seed, loss in scores.items()}},
    )


def made_comparison(second: str, differences, outcome: str = "undecided") -> Comparison:
    """The best against another; an interval from six seeds on."""
    differences = dict(enumerate(differences))
    values, enough = list(differences.values()), len(differences) >= 6
    middle = float(np.median(values)) if values else None
    ends = (min(values), max(values)) if enough else (None, None)
    return Comparison(
        first="best",
        second=second,
        pairs=len(values),
        differences=differences,
        difference=Interval(estimate=middle, low=ends[0], high=ends[1], level=0.96875),
        p=0.03125 if enough else None,
        p_holm=0.0625 if enough else None,
        effect=1.0 if enough else None,
        margin=0.01,
        outcome=outcome,
    )
