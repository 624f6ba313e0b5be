"""What the loss depended on: the importance of each choice, and whether all explain it at all.

`comparable_trials` brings trials to one fidelity, `importances` scores their choices by functional
ANOVA, `explained` says whether the scores mean anything. The time is bounded: of many trials a
random part is taken, for publishing a run must not take longer the longer it was.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import optuna
import pandas as pd
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import FanovaImportanceEvaluator
from optuna.trial import FrozenTrial, create_trial
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import r2_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from asymnas.analysis.estimates import Floats
from asymnas.analysis.rows import clusters, drawn, measured
from asymnas.core.columns import BUDGET, CURVE, DRAWN, LEARNING_RATE, STATE, TARGET_SHARE

LEAST_TRIALS = 10
REACHED = 0.8
FOLDS = 5
#: Trials that forests are fitted to, at most; of more, a random part.
MOST_TRIALS = 256

#: Trees of the forest that scores, of each resample's, and of each fold's.
TREES, TREES_PER_RESAMPLE, TREES_PER_FOLD = 24, 8, 20

#: Up to 32 leaves: deeper trees fit noise, and their time grows as the square of the leaves.
DEPTH = 5
RESAMPLES = 5

STRATA = (LEARNING_RATE, BUDGET, TARGET_SHARE)  # choices whether a sampler drew them or not
LOGARITHMIC = (LEARNING_RATE, BUDGET)

CHOICE = "choice"  # str: the choice's name, without the prefix
IMPORTANCE = "importance"  # float: share of the variance of log loss, from 0 to 1
SPREAD = "spread"  # float: standard deviation of the importance over resamples of the trials


@dataclass(frozen=True, kw_only=True)
class ComparableTrials:
    """Trials at one fidelity: what was chosen, and what it came to.

    Args:
        choices: One column per choice that varies, named without the prefix: numbers (integers
            where all are whole) or text. The learning rate and a sweep's budgets are logarithms.
        loss: Log loss `[trials]`; raw if not all losses are positive. Of a search on a ladder of
            budgets less the mean of the trial's budget.
        owners: A label of each trial's architecture `[trials]`.
        examples: The rung compared at, in training examples seen.
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
            was too little to go by.
        examples: The rung compared at, in training examples seen.
        trials: How many trials the scores rest on.
        explained: R² of a forest on trials it was not fitted to; near 0 or below, the choices do
            not explain the loss and the scores are noise.
    """

    scores: pd.DataFrame
    examples: int = 0
    trials: int = 0
    explained: float = float("nan")


def comparable_trials(table: pd.DataFrame) -> ComparableTrials | None:
    """The trials to compare choices by, pruned ones among them.

    Pruned trials saw fewer examples. Keeping completed trials only would leave survivors: a
    choice that got nearly all its trials pruned would look harmless. Taking each trial's last loss
    would confuse a choice with how long it was trained. So all trials are compared at one
    fidelity, the highest rung that at least 80 % of the complete and pruned trials reached; the
    rest are left out. The price is that an early rung ranks candidates less surely than the last.

    A choice that not every trial made is left out, as Optuna does. Of a sweep the budget and the
    share count as choices, and runs that only chose a learning rate are left out. Of a search on a
    ladder of budgets losses are relative to the mean of their budget, which is no choice.

    Args:
        table: A trial table, in any order.

    Returns:
        `None` with fewer than ten completed trials or ten to compare, no rung that enough trials
        reached, no choice that varies, or a loss that does not.
    """
    rows = drawn(measured(table))
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
    loss = np.log(loss) if (loss > 0).all() else loss
    if _fills_budgets(ended):
        own = pd.Series(loss, index=ended.index)
        loss = (own - own.groupby(ended[BUDGET]).transform("mean")).to_numpy()
    return ComparableTrials(
        choices=choices,
        loss=loss,
        owners=clusters(ended),
        examples=examples,
    )


def explained(trials: ComparableTrials, *, seed: int = 0) -> float:
    """R² of a random forest on trials of architectures that it was not fitted to, at most 1.

    Args:
        trials: At one fidelity.
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
        n_estimators=TREES_PER_FOLD, min_samples_leaf=2, max_features=0.5, random_state=seed
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


def _fills_budgets(rows: pd.DataFrame) -> bool:
    """Whether these are trials of a search whose candidates fill a ladder of budgets."""
    return BUDGET in rows and TARGET_SHARE not in rows and bool(rows[BUDGET].notna().all())


def _choices(rows: pd.DataFrame) -> pd.DataFrame:
    """The choices that every trial made and that vary."""
    strata = [name for name in STRATA if name != BUDGET or not _fills_budgets(rows)]
    columns = {name: rows[name] for name in strata if name in rows}
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


def importances(table: pd.DataFrame, *, seed: int = 0) -> Importance:
    """What share of the variance of the log loss each choice accounts for by itself.

    A forest predicts the log loss from the choices; its variance over the whole space, every value
    of a choice counting alike however often it was tried, is split into what each choice does on
    its own and, not shown, what they do together. `comparable_trials` says which trials are used
    and at which rung, so that pruning hides nothing. The spread is over resamples
    of the trials. A forest finds something in pure noise, too: read the scores only where
    `explained` is well above 0. In a search, what a sampler stopped trying rests on few trials.

    Args:
        table: A trial table, in any order.
        seed: Fixes forests and resamples.

    Returns:
        Empty `scores` where there is too little to go by.

    Source:
        Hutter, Hoos & Leyton-Brown (2014), http://proceedings.mlr.press/v32/hutter14.html.
    """
    trials = comparable_trials(table)
    if trials is None:
        return Importance(pd.DataFrame({CHOICE: [], IMPORTANCE: [], SPREAD: []}))
    space = {str(name): _distribution(trials.choices[name]) for name in trials.choices}
    rng = np.random.default_rng(seed)
    trials = _sample(trials, rng)
    finished = _finished(trials, space)
    importance = _fanova(finished, trees=TREES, seed=seed)
    resampled = pd.DataFrame(
        _fanova(_resample(finished, rng), trees=TREES_PER_RESAMPLE, seed=seed)
        for _ in range(RESAMPLES)
    )
    scores = pd.DataFrame({IMPORTANCE: importance, SPREAD: resampled.std()})
    scores = scores.rename_axis(CHOICE).reset_index()
    scores = scores.sort_values([IMPORTANCE, CHOICE], ascending=[False, True], ignore_index=True)
    return Importance(
        scores,
        examples=trials.examples,
        trials=len(finished),
        explained=explained(trials, seed=seed),
    )


def _distribution(column: pd.Series) -> BaseDistribution:
    """The range that a choice was made in, as far as the trials show it."""
    if pd.api.types.is_integer_dtype(column):
        return IntDistribution(int(column.min()), int(column.max()))
    if pd.api.types.is_float_dtype(column):
        return FloatDistribution(float(column.min()), float(column.max()))
    return CategoricalDistribution(sorted(column.unique()))


def _finished(trials: ComparableTrials, space: Mapping[str, BaseDistribution]) -> list[FrozenTrial]:
    rows = trials.choices.to_dict("records")
    return [
        create_trial(params=row, distributions=dict(space), value=float(loss))
        for row, loss in zip(rows, trials.loss, strict=True)
    ]


def _sample(trials: ComparableTrials, rng: np.random.Generator) -> ComparableTrials:
    """At most `MOST_TRIALS` of the trials, in their order."""
    if len(trials.loss) <= MOST_TRIALS:
        return trials
    rows = np.sort(rng.choice(len(trials.loss), MOST_TRIALS, replace=False))
    return replace(
        trials,
        choices=trials.choices.iloc[rows],
        loss=trials.loss[rows],
        owners=trials.owners.iloc[rows],
    )


def _resample(finished: list[FrozenTrial], rng: np.random.Generator) -> list[FrozenTrial]:
    """As many trials, drawn with replacement."""
    return [finished[i] for i in rng.integers(len(finished), size=len(finished))]


def _fanova(finished: list[FrozenTrial], *, trees: int, seed: int) -> dict[str, float]:
    """Importances by choice, from a study in memory."""
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(
        optuna.logging.WARNING
    )  # a study made for the evaluator is no news
    try:
        study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
    finally:
        optuna.logging.set_verbosity(verbosity)
    study.add_trials(finished)
    evaluator = FanovaImportanceEvaluator(n_trees=trees, max_depth=DEPTH, seed=seed)
    return {name: float(value) for name, value in evaluator.evaluate(study).items()}
