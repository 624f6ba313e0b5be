"""The loop, whole: what a search promises about its trials."""

import json
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from asymnas import Architecture, Run, StudyConfig, find_best_architecture, run_search
from asymnas.core import columns as t
from asymnas.core.config import DataSpec
from asymnas.core.errors import StudyError
from asymnas.data.base import load_dataset
from asymnas.runs.plan import plan_search
from asymnas.training.evaluation import evaluate
from asymnas.training.rung import Job, RungResult

from .conftest import Counting, InProcess, executed
from .made_results import Made

# The uninterrupted run comes first, so that it alone is in a file, as others need it to be.
pytestmark = pytest.mark.usefixtures("uninterrupted", "held_in_memory")

COMPARED = [t.TRIAL, t.STATE, t.VAL_LOSS, t.TOTAL_PARAMS, t.EXAMPLES, t.LEARNING_RATE]


def _values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED].reset_index(drop=True)


@pytest.mark.slow
@pytest.mark.essential
def test_same_seed_same_trials(
    brief: StudyConfig, tmp_path: Path, uninterrupted: Run, in_process: Executor
) -> None:
    again, _ = executed(plan_search(brief), in_process)
    pd.testing.assert_frame_equal(_values(again), _values(uninterrupted))
    other = replace(brief, seed=1, run_dir=str(tmp_path / "other"))
    assert not _values(executed(plan_search(other), Made())[0]).equals(_values(again))


def test_a_lost_worker_costs_only_its_rung(
    brief: StudyConfig, tmp_path: Path, uninterrupted: Run
) -> None:
    lossy = replace(brief, run_dir=str(tmp_path / "lossy"))
    run, _ = executed(plan_search(lossy), Losing())
    pd.testing.assert_frame_equal(_values(run), _values(uninterrupted))


class Losing(InProcess):
    """Loses the worker at every third rung."""

    calls = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        if self.calls % 3:
            return super().submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.set_exception(BrokenExecutor("a worker died"))
        return future


def test_a_continued_run_equals_an_uninterrupted_one(
    brief: StudyConfig, tmp_path: Path, uninterrupted: Run, in_process: Executor
) -> None:
    plan = plan_search(replace(brief, run_dir=str(tmp_path / "broken")))
    _, ending = executed(plan, Counting(stop_at=6))
    assert ending == "interrupted"
    pd.testing.assert_frame_equal(_values(executed(plan, in_process)[0]), _values(uninterrupted))


def test_a_run_without_a_complete_trial_has_no_best(small: StudyConfig) -> None:
    def fail(job: Job) -> RungResult:
        raise MemoryError("no room")

    run = run_search(replace(small, trials=3), executor=Made(fail))
    assert run.table[t.FAILURE].str.contains("no room").all()
    assert run.summary["best"] is None
    with pytest.raises(StudyError, match="none of the 3 trials has completed"):
        find_best_architecture(run)


def test_a_diverging_candidate_fails_alone(small: StudyConfig, in_process: Executor) -> None:
    wild = replace(small, trials=6, learning_rates=(1e-3, 1e6), sampler="random", examples=5_000)
    run, ending = executed(plan_search(wild), in_process)
    assert ending == "finished"
    states = run.table[t.STATE].value_counts()
    assert states.get("failed", 0) >= 1
    assert states.sum() == 6
    failed = run.table[run.table[t.STATE] == "failed"]
    assert failed[t.FAILURE].str.contains("diverged|collapsed").all()


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "gp", "random", "qmc"])
@pytest.mark.slow
@pytest.mark.essential
def test_every_sampler_serves(small: StudyConfig, sampler: str) -> None:
    config = replace(small, sampler=sampler, trials=13, examples=700)
    run, _ = executed(plan_search(config), Made())
    assert (run.table[t.DUPLICATE_OF].isna()).sum() == 13
    assert len(run.front) >= 1


def test_any_optuna_sampler_serves(small: StudyConfig) -> None:
    sampler = optuna.samplers.TPESampler(seed=3)
    run, _ = executed(plan_search(replace(small, sampler=sampler, trials=4)), Made())
    assert run.study.config["sampler"] == "TPESampler"


@pytest.mark.parametrize(
    "objectives",
    [("psnr", "decoder_macs"), ("val_loss",), ("mse", "encoder_params", "total_macs")],
)
def test_other_objectives(
    small: StudyConfig, in_process: Executor, objectives: tuple[str, ...]
) -> None:
    run = run_search(
        replace(small, objectives=objectives, trials=6, examples=1_000), executor=in_process
    )
    best = run.summary["best"]
    size = ["total_params"] if len(objectives) == 1 else []
    assert list(best["values"]) == [*objectives, *size]
    complete = run.table[run.table[t.STATE] == "complete"]
    first = complete[objectives[0]]
    assert best["values"][objectives[0]] == (
        first.max() if objectives[0] == "psnr" else first.min()
    )
    direction = run.study.optuna.directions[0].name
    assert direction == ("MAXIMIZE" if objectives[0] == "psnr" else "MINIMIZE")


def test_results_are_what_they_say(brief: StudyConfig, uninterrupted: Run) -> None:
    run = uninterrupted
    directory, summary = run.directory, run.summary
    assert summary == json.loads((directory / "summary.json").read_text())
    assert sum(summary["trials"][s] for s in ("complete", "pruned", "failed")) == brief.trials
    assert [entry["trial"] for entry in summary["front"]] == list(run.front[t.TRIAL])
    assert summary["examples_seen"] == run.table[t.EXAMPLES].sum()
    assert summary["hypervolume"] > 0
    rows = pd.read_csv(directory / "trials.csv")
    assert len(rows) == len(run.table)
    assert json.loads(rows[t.CURVE][0]) == [list(point) for point in run.table[t.CURVE][0]]

    best = run.best
    model = best.load()
    data = load_dataset(DataSpec(name="digits"))
    again = evaluate(model, data.validation, kind="plain").loss
    assert again == pytest.approx(summary["best"]["values"][t.VAL_LOSS], rel=1e-6)
    described = json.loads((directory / "best" / "architecture.json").read_text())
    rebuilt = Architecture.from_dict(described).build()
    rebuilt.load_state_dict(load_file(directory / "best" / "weights.safetensors"))
    x = torch.rand(3, 1, 8, 8)
    torch.testing.assert_close(rebuilt.eval()(x), model(x))
    for entry in summary["front"]:
        assert (
            directory / "artifacts" / "reconstructions" / f"trial_{entry['trial']:05d}.png"
        ).is_file()
    kept = list((directory / "artifacts" / "checkpoints").iterdir())
    assert len(kept) == len(summary["front"])
