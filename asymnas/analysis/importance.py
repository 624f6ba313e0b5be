"""Which trials say what the loss depended on, and whether the choices explain it at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from asymnas.analysis.estimates import Floats
from asymnas.analysis.rows import clusters, measured
from asymnas.table import BUDGET, CURVE, DRAWN, LEARNING_RATE, STATE, TARGET_SHARE

LEAST_TRIALS = 10
REACHED = 0.8
FOLDS = 5
STRATA = (LEARNING_RATE, BUDGET, TARGET_SHARE)  # choices whether a sampler drew them or not
LOGARITHMIC = (LEARNING_RATE, BUDGET)

CHOICE = "choice"  # str: the choice's name, without the prefix
IMPORTANCE = "importance"  # float: share of the variance of log loss, from 0 to 1
SPREAD = "spread"  # float: standard deviation of the importance over resamples of the trials


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Trials at one fidelity: what was chosen, and what it came to.

    Args:
        choices: One column a choice that varies, named without the prefix: numbers, integers where
            all are whole, or text. The learning rate and a sweep's budgets are logarithms.
        loss: Log loss `[trials]`; raw if not all losses are positive.
        owners: A label of each trial's architecture `[trials]`.
        examples: The rung judged at, in training examples seen.
    """

    choices: pd.DataFrame
    loss: Floats
    owners: pd.Series
    examples: int


@dataclass(frozen=True)
class Importance:
    """How much each choice mattered.

    Args:
        scores: Columns `choice`, `importance`, `spread`, the most important first; empty if there
            was too little to judge by.
        examples: The rung judged at, in training examples seen.
        trials: How many trials were judged.
        explained: R² of a forest on trials it was not fitted to; near 0 or below, the choices do
            not explain the loss and the scores are noise.
    """

    scores: pd.DataFrame
    examples: int = 0
    trials: int = 0
    explained: float = float("nan")


def judged(table: pd.DataFrame) -> Judged | None:
    """The trials to judge choices by, pruned ones among them.

    Pruned trials saw fewer examples. Keeping completed trials only would judge by survivors: a
    choice that got nearly all its trials pruned would look harmless. Taking each trial's last loss
    would confuse a choice with how long it was trained. So all trials are compared at one
    fidelity, the highest rung that at least 80 % of the complete and pruned trials reached; the
    rest are left out. The price is that an early rung ranks candidates less surely than the last.

    A choice that not every trial made is left out, as Optuna does. Of a sweep the budget and the
    share count as choices, and runs that only chose a learning rate are left out.

    Args:
        table: A trial table, in any order.

    Returns:
        `None` with fewer than ten completed trials or ten to judge, no rung that enough trials
        reached, no choice that varies, or a loss that does not.
    """
    rows = measured(table)
    if rows.empty:
        return None
    ended = rows[rows[STATE].isin(["complete", "pruned"])]
    curves = [_losses(curve) for curve in ended[CURVE]]
    examples = _common_rung(curves)
    if examples is None or (ended[STATE] == "complete").sum() < LEAST_TRIALS:
        return None
    loss = np.array([curve.get(examples, np.nan) for curve in curves])
    ended, loss = ended[~np.isnan(loss)], loss[~np.isnan(loss)]
    choices = _choices(ended)
    if choices.empty or len(loss) < LEAST_TRIALS or np.ptp(loss) == 0:
        return None
    return Judged(
        choices=choices,
        loss=np.log(loss) if (loss > 0).all() else loss,
        owners=clusters(ended),
        examples=examples,
    )


def explained(trials: Judged, *, seed: int = 0) -> float:
    """R² of a random forest on trials of architectures that it was not fitted to, at most 1.

    Args:
        trials: Those judged.
        seed: Fixes the forest.

    Source:
        Breiman (2001), doi:10.1023/A:1010933404324.
    """
    coded = trials.choices.apply(
        lambda column: column if pd.api.types.is_numeric_dtype(column) else column.factorize()[0]
    )
    folds = min(FOLDS, trials.owners.nunique())
    if folds < 2:
        return float("nan")
    forest = RandomForestRegressor(
        n_estimators=40, min_samples_leaf=2, max_features=0.5, random_state=seed
    )
    predicted = cross_val_predict(
        forest, coded.to_numpy(dtype=float), trials.loss, groups=trials.owners, cv=GroupKFold(folds)
    )
    return float(r2_score(trials.loss, predicted))


def _losses(curve: object) -> dict[int, float]:
    """Finite losses by examples seen."""
    points = curve if isinstance(curve, Sequence) else ()
    return {int(seen): float(loss) for seen, loss in points if np.isfinite(float(loss))}


def _common_rung(curves: Sequence[dict[int, float]]) -> int | None:
    """The highest rung that at least `REACHED` of the trials have a loss at."""
    rungs = {seen for curve in curves for seen in curve}
    common = [r for r in rungs if sum(r in curve for curve in curves) >= REACHED * len(curves)]
    return max(common, default=None)


def _choices(rows: pd.DataFrame) -> pd.DataFrame:
    """The choices that every trial made and that vary."""
    columns = {name: rows[name] for name in STRATA if name in rows}
    columns |= {str(c).removeprefix(DRAWN): rows[c] for c in rows if str(c).startswith(DRAWN)}
    made = {name: column for name, column in columns.items() if column.notna().all()}
    typed = {name: _typed(column, name in LOGARITHMIC) for name, column in made.items()}
    return pd.DataFrame({name: column for name, column in typed.items() if column.nunique() > 1})


def _typed(column: pd.Series, logarithmic: bool) -> pd.Series:
    """A column as integers, floats or text, whichever is the narrowest that holds it."""
    if not all(isinstance(v, Real) and not isinstance(v, bool | np.bool_) for v in column):
        return column.astype(str)
    numbers = column.astype(float)
    if logarithmic and (numbers > 0).all():
        return np.log(numbers)
    return numbers.astype(int) if (numbers % 1 == 0).all() else numbers
