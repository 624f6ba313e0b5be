"""The sizes of a search's trials, on made results: rungs, and the best repeated between them."""

from dataclasses import replace

import pandas as pd
import pytest

from asymnas import StudyConfig
from asymnas.core import columns as t
from asymnas.runs.plan import plan_search
from asymnas.runs.run import Run
from asymnas.training.rung import Job, RungResult

from .conftest import executed
from .made_results import Made, made_result

pytestmark = pytest.mark.usefixtures("in_memory")


def run_of(config: StudyConfig, executor: Made) -> Run:
    """A search that is to end by itself."""
    run, ending = executed(plan_search(config), executor)
    assert ending == "finished"
    return run


def test_trials_fill_the_budget_of_their_rung_and_are_pruned_within_it(
    small: StudyConfig,
) -> None:
    """Losses of small networks are all higher here, and yet some of each rung complete."""
    run = run_of(replace(small, trials=48), Made())
    rows = run.table[run.table[t.DUPLICATE_OF].isna() & run.table[t.SIZED_FROM].isna()]
    assert (rows[t.TOTAL_PARAMS] <= rows[t.BUDGET]).all()
    filled = rows[t.TOTAL_PARAMS] / rows[t.BUDGET]
    assert (filled[rows[t.BUDGET] > 1_000] >= 0.97).all()
    by_rung = rows.groupby(t.BUDGET)[t.STATE].value_counts().unstack(fill_value=0)
    assert set(by_rung.index) == {375, 1_500, 6_000}
    assert (by_rung["complete"] >= 3).all()
    assert (by_rung["pruned"] > 0).sum() >= 2
    assert set(run.front[t.BUDGET]) >= {375, 1_500, 6_000}


def test_some_trials_repeat_the_best_so_far_at_a_size_between_the_rungs(small: StudyConfig) -> None:
    run = run_of(replace(small, trials=48), Made())
    rows = run.table.set_index(t.TRIAL)
    repeated = rows[rows[t.SIZED_FROM].notna()]
    assert set(repeated[t.BUDGET]) == {750, 3_000}  # a 32nd of the budget admits nothing
    assert len(repeated) == 4
    drawn = [name for name in rows if name.startswith(t.DRAWN)]
    for trial, row in repeated.iterrows():
        source = rows.loc[int(row[t.SIZED_FROM])]
        assert source[t.BUDGET] == 2 * row[t.BUDGET]
        before = rows[(rows.index < trial) & (rows[t.BUDGET] == source[t.BUDGET])]
        assert source[t.VAL_LOSS] == before[before[t.STATE] == "complete"][t.VAL_LOSS].min()
        pd.testing.assert_series_equal(row[drawn], source[drawn], check_names=False)
        assert 0.9 * row[t.BUDGET] <= row[t.TOTAL_PARAMS] <= row[t.BUDGET]


def test_a_random_search_draws_every_trial(small: StudyConfig) -> None:
    run = run_of(replace(small, trials=24, sampler="random"), Made())
    assert t.SIZED_FROM not in run.table


def test_where_nothing_can_be_repeated_a_trial_draws_on_its_rung(small: StudyConfig) -> None:
    """As long as no trial of the source's budget is complete."""

    def answer(job: Job) -> RungResult:
        params = job.architecture.counts.total_params
        return replace(made_result(job), failure="none of these" if params > 4_500 else "")

    run = run_of(replace(small, trials=24), Made(answer))
    rows = run.table[run.table[t.SIZED_FROM].isna()]
    assert set(rows[t.BUDGET]) == {375, 1_500, 6_000}
    assert set(run.table.loc[run.table[t.SIZED_FROM].notna(), t.BUDGET]) == {750}
