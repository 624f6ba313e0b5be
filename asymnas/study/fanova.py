"""Functional analysis of variance of the choices, by Optuna."""

from collections.abc import Mapping

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

from asymnas.analysis.importance import (
    CHOICE,
    IMPORTANCE,
    SPREAD,
    Importance,
    Judged,
    explained,
    judged,
)

TREES, TREES_A_RESAMPLE = 64, 16
DEPTH = (
    6  # up to 64 leaves; deeper trees fit noise, and their time grows as the square of the leaves
)
RESAMPLES = 5


def importances(table: pd.DataFrame, *, seed: int = 0) -> Importance:
    """What share of the variance of the log loss each choice accounts for by itself.

    A forest predicts the log loss from the choices; its variance over the whole space, every value
    of a choice counting alike however often it was tried, is split into what each choice does on
    its own and, not shown, what they do together. `asymnas.analysis.importance.judged` says which
    trials are judged and at which rung, so that pruning hides nothing. The spread is over resamples
    of the trials. A forest finds something in pure noise, too: read the scores only where
    `explained` is well above 0. In a search, what a sampler stopped trying is judged by few trials.

    Args:
        table: A trial table, in any order.
        seed: Fixes forests and resamples.

    Returns:
        Empty `scores` where there is too little to judge by.

    Source:
        Hutter, Hoos & Leyton-Brown (2014), http://proceedings.mlr.press/v32/hutter14.html.
    """
    trials = judged(table)
    if trials is None:
        return Importance(pd.DataFrame({CHOICE: [], IMPORTANCE: [], SPREAD: []}))
    space = {str(name): _distribution(trials.choices[name]) for name in trials.choices}
    finished = _finished(trials, space)
    found = _fanova(finished, trees=TREES, seed=seed)
    rng = np.random.default_rng(seed)
    resampled = pd.DataFrame(
        _fanova(_resample(finished, rng), trees=TREES_A_RESAMPLE, seed=seed)
        for _ in range(RESAMPLES)
    )
    scores = pd.DataFrame({IMPORTANCE: found, SPREAD: resampled.std()})
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


def _finished(trials: Judged, space: Mapping[str, BaseDistribution]) -> list[FrozenTrial]:
    rows = trials.choices.to_dict("records")
    return [
        create_trial(params=row, distributions=dict(space), value=float(loss))
        for row, loss in zip(rows, trials.loss, strict=True)
    ]


def _resample(finished: list[FrozenTrial], rng: np.random.Generator) -> list[FrozenTrial]:
    """As many trials, drawn with replacement."""
    return [finished[i] for i in rng.integers(len(finished), size=len(finished))]


def _fanova(finished: list[FrozenTrial], *, trees: int, seed: int) -> dict[str, float]:
    """Importances by choice, from a study in memory."""
    study = optuna.create_study(storage=optuna.storages.InMemoryStorage())
    study.add_trials(finished)
    evaluator = FanovaImportanceEvaluator(n_trees=trees, max_depth=DEPTH, seed=seed)
    return {name: float(value) for name, value in evaluator.evaluate(study).items()}
