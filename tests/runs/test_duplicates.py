"""An architecture drawn again at about one rate: not trained, and it ends as the first."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from asymnas import Architecture, Run, StudyConfig
from asymnas.core import columns as t
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, RungResult

from .conftest import executed, run_of
from .made_results import Made, made_result

pytestmark = pytest.mark.usefixtures("in_memory")

TINY = {
    "budget": 900,
    "symmetric": True,
    "latent": 2,
    "sampler": "random",
    "pruner": "none",
    "objectives": ("val_loss", "total_params"),  # sizes and rates are drawn, and no rate ratio
}
ONE_RATE = (4e-3, 4.1e-3)


def copies_of(run: Run) -> pd.DataFrame:
    return run.table[run.table[t.DUPLICATE_OF].notna()]


@pytest.mark.parametrize("workers", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_no_architecture_is_trained_twice_at_one_rate(small: StudyConfig, workers: int) -> None:
    config = replace(small, **TINY, trials=25, learning_rates=ONE_RATE, workers=workers)
    run, ending = executed(plan_search(config), Made())
    keys = [Architecture.from_dict(a).key() for a in run.own[t.ARCHITECTURE]]
    assert len(set(keys)) == len(keys)
    assert set(run.table[t.STATE]) == {"complete"}
    assert len(copies_of(run)) > 0
    for _, copy in copies_of(run).iterrows():
        original = run.table.iloc[int(copy[t.DUPLICATE_OF])]
        assert copy[t.STATE] == original[t.STATE]
        assert copy[t.ARCHITECTURE] == original[t.ARCHITECTURE]
        finished = run.study.optuna.trials
        assert finished[copy[t.TRIAL]].values == finished[original[t.TRIAL]].values
    assert ending == "finished"


def test_an_architecture_is_tried_again_at_another_rate(small: StudyConfig) -> None:
    config = replace(small, **TINY, trials=40)
    run = run_of(config, Made())
    rows = run.own
    rates = rows.groupby(rows[t.ARCHITECTURE].map(str))[t.LEARNING_RATE].apply(sorted)
    assert any(len(each) > 1 for each in rates)
    assert all((np.diff(np.log(each)) > np.log(1.25)).all() for each in rates)
    for _, copy in copies_of(run).iterrows():
        original = run.table.iloc[int(copy[t.DUPLICATE_OF])]
        assert copy[t.ARCHITECTURE] == original[t.ARCHITECTURE]
        assert abs(np.log(copy[t.LEARNING_RATE] / original[t.LEARNING_RATE])) <= np.log(1.25)


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 4])
def test_a_failed_architecture_may_be_tried_again(small: StudyConfig, workers: int) -> None:
    failed: set[str] = set()

    def answer(job: Job) -> RungResult:
        key = job.architecture.key()
        if key not in failed:
            failed.add(key)
            return RungResult(failure="diverged: training loss nan")
        return made_result(job)

    config = replace(small, **TINY, trials=30, learning_rates=ONE_RATE, workers=workers)
    run = run_of(config, Made(answer))
    complete = run.table[run.table[t.STATE] == "complete"]
    assert len(complete) > 0
    tried = {Architecture.from_dict(a).key() for a in complete[t.ARCHITECTURE]}
    assert tried <= failed  # each failed first and was tried again
    originals = run.table.set_index(t.TRIAL).loc[list(copies_of(run)[t.DUPLICATE_OF])]
    assert set(originals[t.STATE]) <= {"complete", "pruned"}
    assert originals[t.DUPLICATE_OF].isna().all()


def test_what_failed_before_a_run_is_continued_may_be_tried_again(small: StudyConfig) -> None:
    def diverge(job: Job) -> RungResult:
        return RungResult(failure="diverged: training loss nan")

    config = replace(small, **TINY, trials=12, learning_rates=ONE_RATE)
    failed = run_of(config, Made(diverge)).table
    assert set(failed[t.STATE]) == {"failed"}
    later = run_of(replace(config, trials=36), Made()).table.iloc[len(failed) :]
    assert set(later[t.STATE]) == {"complete"}
    first = {Architecture.from_dict(a).key() for a in failed[t.ARCHITECTURE]}
    assert first & {Architecture.from_dict(a).key() for a in later[t.ARCHITECTURE]}


@pytest.mark.parametrize("stop_at", [None, *range(5)])
def test_no_duplicate_of_a_failed_trial_is_left_open(
    small: StudyConfig, stop_at: int | None
) -> None:
    """The fourth trial is like the third, which fails when all the others have begun."""

    def diverge(job: Job) -> RungResult:
        return RungResult(failure="diverged: training loss nan")

    config = replace(small, **TINY, trials=4, learning_rates=ONE_RATE, workers=4, seed=9)
    plan = plan_search(config)
    run, ending = executed(plan, Made(diverge, stop_at=stop_at))
    while ending == "interrupted":
        run, ending = executed(plan, Made(diverge))
    assert set(run.table[t.STATE]) == {"failed"}
    assert len(run.own) == 4
    assert len(copies_of(run)) == 1
    assert "diverged" in copies_of(run)[t.FAILURE].item()
