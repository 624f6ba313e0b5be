"""Which of the sampler's draws the loss depended on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor
from sklearn.inspection import permutation_importance
from sklearn.model_selection import KFold

from asymnas.table import CURVE, DRAWN, DUPLICATE_OF, LEARNING_RATE, STATE, TRIAL

LEAST_TRIALS = 10
REACHED = 0.8
FOLDS = 5

CHOICE = "choice"  # str: the draw's name, without the prefix
IMPORTANCE = "importance"  # float: share of the variance of log loss; below 0 is noise
SPREAD = "spread"  # float: standard deviation of the importance over folds


@dataclass(frozen=True)
class Importance:
    """How much each draw mattered.

    Args:
        scores: Columns `choice`, `importance`, `spread`, the most important first; empty if there
            was too little to judge by.
        examples: The rung judged at, in training examples seen.
        trials: How many trials were judged.
        explained: R² of the forest on trials it was not fitted to; near 0 or below, the draws do
            not explain the loss and the scores are noise.
    """

    scores: pd.DataFrame
    examples: int = 0
    trials: int = 0
    explained: float = float("nan")


def importance(table: pd.DataFrame, *, seed: int = 0) -> Importance:
    """Permutation importance of each draw for the log validation loss.

    A random forest predicts the log loss from the draws and the learning rate; a draw's importance
    is the rise of the squared error on held-out trials when its values are shuffled, as a share of
    the variance of the log loss.

    Pruned trials saw fewer examples. Keeping completed trials only would judge by survivors: a
    choice that got nearly all its trials pruned would look harmless. Taking each trial's last loss
    would confuse a choice with how long it was trained. So all trials are compared at one
    fidelity, the highest rung that at least 80 % of the complete and pruned trials reached; the
    rest are left out. The price is that an early rung ranks candidates less surely than the last.
    Draws are adaptive, and what a sampler stopped trying is judged by few trials: the scores
    describe this search and do not generalise.

    Losses that are not all positive are taken raw instead of logged. Numeric draws keep their
    order, others are coded as integers, which trees split again and again as needed.

    Args:
        table: A trial table, in any order.
        seed: Fixes the folds, the forest and the shuffles.

    Returns:
        Empty `scores` with fewer than ten completed trials, no rung that enough trials reached, no
        draw that varies, or a loss that does not.

    Source:
        Breiman (2001), doi:10.1023/A:1010933404324.
    """
    nothing = Importance(pd.DataFrame({CHOICE: [], IMPORTANCE: [], SPREAD: []}))
    if table.empty:
        return nothing
    ended = table[table[STATE].isin(["complete", "pruned"]) & table[DUPLICATE_OF].isna()]
    ended = ended.sort_values(TRIAL)
    if (ended[STATE] == "complete").sum() < LEAST_TRIALS:
        return nothing
    curves = [_losses(curve) for curve in ended[CURVE]]
    examples = _common_rung(curves)
    if examples is None:
        return nothing
    loss = np.array([curve.get(examples, np.nan) for curve in curves])
    judged, loss = ended[~np.isnan(loss)], loss[~np.isnan(loss)]
    target = np.log(loss) if (loss > 0).all() else loss
    draws = _encoded(judged)
    if draws.empty or len(judged) < LEAST_TRIALS or np.ptp(target) == 0:
        return nothing
    scores, spread, explained = _shuffled(draws.to_numpy(dtype=float), target, seed)
    ranked = pd.DataFrame({CHOICE: draws.columns, IMPORTANCE: scores, SPREAD: spread})
    ranked = ranked.sort_values([IMPORTANCE, CHOICE], ascending=[False, True], ignore_index=True)
    return Importance(ranked, examples, len(judged), explained)


def _losses(curve: object) -> dict[int, float]:
    """Finite losses by examples seen."""
    points = curve if isinstance(curve, Sequence) else ()
    return {int(seen): float(loss) for seen, loss in points if np.isfinite(float(loss))}


def _common_rung(curves: Sequence[dict[int, float]]) -> int | None:
    """The highest rung that at least `REACHED` of the trials have a loss at."""
    rungs = {seen for curve in curves for seen in curve}
    common = [r for r in rungs if sum(r in curve for curve in curves) >= REACHED * len(curves)]
    return max(common, default=None)


def _encoded(table: pd.DataFrame) -> pd.DataFrame:
    """The draws that vary as numbers, one column a draw, named without the prefix."""
    columns = {str(c).removeprefix(DRAWN): table[c] for c in table if str(c).startswith(DRAWN)}
    columns.setdefault(LEARNING_RATE, table[LEARNING_RATE])
    numbers = {}
    for name, column in columns.items():
        known = column.dropna()
        if not known.map(lambda v: isinstance(v, int | float | np.number)).all():
            levels = sorted({str(value) for value in known})
            column = column.map(lambda v, at=levels: at.index(str(v)), na_action="ignore")
        if column.nunique(dropna=False) > 1:
            numbers[name] = column.astype(float)
    return pd.DataFrame(numbers, index=table.index)


def _shuffled(
    draws: NDArray[np.float64], target: NDArray[np.float64], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Held-out importance `[draws]`, its spread over folds `[draws]`, and the forest's R²."""
    variance = target.var()
    rises, weights, errors = [], [], np.zeros(len(target))
    for fitted, held_out in KFold(FOLDS, shuffle=True, random_state=seed).split(draws):
        forest = RandomForestRegressor(
            n_estimators=40, min_samples_leaf=2, max_features=0.5, random_state=seed
        ).fit(draws[fitted], target[fitted])
        errors[held_out] = target[held_out] - forest.predict(draws[held_out])
        shuffles = permutation_importance(
            forest,
            draws[held_out],
            target[held_out],
            scoring="neg_mean_squared_error",
            n_repeats=3,
            random_state=seed,
        )
        rises.append(shuffles.importances_mean / variance)
        weights.append(len(held_out))
    by_fold = np.array(rises)
    mean = np.average(by_fold, axis=0, weights=weights)
    return mean, by_fold.std(axis=0), float(1 - (errors**2).mean() / variance)
