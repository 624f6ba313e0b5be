"""A search whose trials pause: counting, what is kept, interruptions, budgets, what it refuses."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from asymnas import Run, StudyConfig
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.runs.snapshot import Snapshot

from .conftest import executed, run_of
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

COMPARED = [t.TRIAL, t.STATE, t.VAL_LOSS, t.TOTAL_PARAMS, t.EXAMPLES, t.LEARNING_RATE]


@pytest.fixture
def pausing(small: StudyConfig) -> StudyConfig:
    objectives = ("val_loss", "total_params")
    return replace(small, objectives=objectives, trials=30, pruner="pause")


def values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED].reset_index(drop=True)


def test_holds_exactly_the_trials_asked_for_and_stops_the_hopeless(pausing: StudyConfig) -> None:
    seen: list[Snapshot] = []
    with execute(plan_search(pausing), executor=Made(), observe=seen.append) as (run, ending):
        assert ending == "finished"
    assert run.own[t.STATE].value_counts().sum() == pausing.trials
    assert set(run.own[t.STATE]) == {"complete", "pruned"}
    assert not run.own[(run.own[t.STATE] == "pruned") & run.own[t.NEVER_PRUNED]].any(axis=None)
    assert max(snapshot.paused for snapshot in seen) > 0
    assert (seen[-1].paused, seen[-1].finished) == (0, pausing.trials)
    assert all(s.seconds_left is None or s.seconds_left >= 0 for s in seen)
    more = run_of(replace(pausing, trials=33), Made())
    assert len(more.own) == 33


def test_some_go_on_after_all_have_begun(pausing: StudyConfig) -> None:
    executor = Made()
    run = run_of(pausing, executor)
    begins = [place for place, job in enumerate(executor.jobs) if job.checkpoint is None]
    resumed = [job.seed for job in executor.jobs[begins[-1] + 1 :]]
    assert len(set(resumed)) > 1  # more than the last one
    ends = run.own[run.own[t.STATE] == "complete"]
    assert len(ends) < len(begins)


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("rungs", [9, 40, 60])
def test_a_continued_run_equals_an_uninterrupted_one(
    pausing: StudyConfig, tmp_path: Path, rungs: int, workers: int
) -> None:
    pausing = replace(pausing, workers=workers)
    whole = run_of(pausing, Made())
    broken = replace(pausing, run_dir=str(tmp_path / "broken"))
    _, ending = executed(plan_search(broken), Made(stop_at=rungs))
    assert ending == "interrupted"
    again = run_of(broken, Made())
    assert len(again.own) == pausing.trials
    if workers == 1:
        pd.testing.assert_frame_equal(values(again), values(whole))


def test_what_waits_keeps_its_checkpoint_and_is_not_trained_again(
    pausing: StudyConfig,
) -> None:
    first, second = Made(stop_at=40), Made()
    stopped, _ = executed(plan_search(pausing), first)
    waiting = stopped.own[stopped.own[t.STATE] == "running"]
    assert len(waiting) > 1
    run = run_of(pausing, second)
    done = [(job.seed, job.until) for job in (*first.jobs, *second.jobs)]
    assert len(set(done)) == len(done)
    checkpoints = (run.directory / "artifacts" / "checkpoints").iterdir()
    assert {int(path.name.split("_")[1]) for path in checkpoints} == set(run.front[t.TRIAL])


def test_each_part_of_a_budget_pauses_by_itself(small: StudyConfig) -> None:
    run = run_of(replace(small, pruner="pause", trials=40), Made())
    assert len(run.own) == 40
    pruned = run.own[run.own[t.STATE] == "pruned"]
    assert pruned[t.BUDGET].nunique() > 1


def test_an_objective_that_is_measured_cannot_be_predicted(small: StudyConfig) -> None:
    objectives = ("val_loss", "decoder_latency_1")
    with pytest.raises(ConfigError, match="decoder_latency_1 is measured: take rank"):
        plan_search(replace(small, objectives=objectives, pruner="pause"))
