"""Metrics in a run: objectives with their direction, refusals before anything trains, the files."""

import json
import math
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from asymnas import StudyConfig, run_search
from asymnas.analysis.front import front_objectives, pareto_front
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, RungResult
from runs.conftest import Counting, trained
from runs.made_results import Made, made_result

pytestmark = pytest.mark.usefixtures("in_memory")

OF_DIGITS = ("active_units", "knn_accuracy", "mae", "mse", "probe_accuracy", "psnr")


@pytest.fixture
def small(small: StudyConfig) -> StudyConfig:
    """The small search measured by all that can be."""
    return replace(small, metrics=None)


@pytest.mark.slow
@pytest.mark.essential
def test_what_joins_the_front_is_measured_by_all_that_can_be(
    small: StudyConfig, in_process: Executor
) -> None:
    run = run_search(replace(small, trials=6), executor=in_process)
    times = [f"{side}_latency_{n}" for side in ("encoder", "decoder") for n in (1, 64)]
    assert np.isfinite(run.front[[*OF_DIGITS, *times]].to_numpy(dtype=float)).all()
    assert not {"ssim", "lpips", "auroc", "kl", "checkerboard"} & set(run.table)
    others = run.table[run.table[t.STATE] == "pruned"]
    assert others[["mse", "psnr"]].isna().all().all()
    directory = Path(run.directory)
    assert set(OF_DIGITS) <= set(pd.read_csv(directory / "trials.csv"))
    best = json.loads((directory / "summary.json").read_text())["best"]
    row = run.table.set_index(t.TRIAL).loc[best["trial"]]
    assert best["metrics"]["psnr"] == row["psnr"]
    assert set(best["metrics"]) == {*OF_DIGITS, *times}
    page = (directory / "report.html").read_text()
    assert "What it was measured by" in page
    assert "classified rightly by logistic regression" in page


@pytest.mark.parametrize("objectives", [("val_loss",), ("val_loss", "decoder_params")])
def test_a_trial_is_measured_if_its_loss_puts_it_on_the_front(
    small: StudyConfig, objectives: tuple[str, ...]
) -> None:
    def answer(job: Job) -> RungResult:
        result = made_result(job)
        return result if result.metrics["val_loss"] <= job.measure_below else unmeasured(result)

    config = replace(small, trials=40, objectives=objectives, pruner="none", metrics=None)
    run = trained(config, Made(answer))
    complete = run.table[run.table[t.STATE] == "complete"]
    measured = complete["psnr"].notna()
    assert set(run.front[t.TRIAL]) <= set(complete.loc[measured, t.TRIAL])
    assert measured.sum() < len(complete) / 2
    axes = front_objectives(run.objectives)
    joins = [
        trial in set(pareto_front(run.table[run.table[t.TRIAL] <= trial], axes)[t.TRIAL])
        for trial in complete[t.TRIAL]
    ]
    assert joins == measured.tolist()


def unmeasured(result: RungResult) -> RungResult:
    """A result with the loss alone."""
    return replace(result, metrics={t.VAL_LOSS: result.metrics[t.VAL_LOSS]})


@pytest.mark.parametrize(
    ("changes", "all_of_them"),
    [
        ({"metrics": None}, False),
        ({"metrics": ("psnr",)}, True),
        ({"metrics": None, "objectives": ("val_loss", "mse")}, True),
    ],
)
def test_metrics_asked_for_by_name_or_as_an_objective_are_taken_of_every_trial(
    small: StudyConfig, changes: dict[str, Any], all_of_them: bool
) -> None:
    trained(replace(small, trials=6, **changes), executor := Made())
    bounds = {job.measure_below for job in executor.jobs}
    assert (bounds == {math.inf}) == all_of_them


def test_a_metric_is_an_objective_in_its_direction(
    small: StudyConfig, in_process: Executor
) -> None:
    objectives = ("probe_accuracy", "decoder_latency_1")
    run = trained(replace(small, trials=6, objectives=objectives, examples=1_000), in_process)
    assert [d.name for d in run.study.optuna.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert run.front["probe_accuracy"].is_monotonic_decreasing
    complete = run.table[run.table[t.STATE] == "complete"]
    assert run.front["probe_accuracy"].max() == complete["probe_accuracy"].max()


def test_a_kind_s_own_measures_are_objectives_too(small: StudyConfig, in_process: Executor) -> None:
    config = replace(small, trials=3, kind="variational:beta=0.5", objectives=("distortion", "kl"))
    run = trained(config, in_process)
    assert (run.front["kl"] > 0).all()
    assert np.isfinite(run.front["distortion"]).all()


def test_what_is_asked_for_is_measured_after_the_last_rung_alone(small: StudyConfig) -> None:
    executor = Counting()
    config = replace(small, trials=2, metrics=("mae",), objectives=("mse",), pruner="none")
    run = trained(config, executor)
    assert {job.metrics for job in executor.jobs} == {("mae", "mse")}
    assert {"mae", "mse"} <= set(run.table)
    assert "psnr" not in run.table
    again = trained(replace(config, trials=3, metrics=("psnr",)), executor)
    assert again.table["psnr"].notna().sum() == 1  # continued: metrics are no part of a study


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objectives": ("auroc", "total_params")}, "auroc cannot .*: it needs anomalies"),
        ({"objectives": ("val_loss", "kl")}, "kl cannot .*: take the variational kind"),
        ({"objectives": ("val_loss", "checkerboard")}, "checkerboard cannot .*: take the family"),
        ({"objectives": ("ssim",)}, "ssim cannot .* 11 pixels"),
        ({"objectives": ("lpips",)}, "lpips cannot .* 32 pixels"),
        ({"dataset": "signals", "objectives": ("knn_accuracy",)}, "it needs labels"),
        ({"metrics": ("perplexity",)}, "perplexity cannot .*: take the kind vq or fsq"),
        ({"metrics": ("beauty",)}, "no metric is called 'beauty'"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_trains(
    small: StudyConfig, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        plan_search(replace(small, **changes))


def test_metrics_that_a_plan_settles_are_stored_and_read_back(small: StudyConfig) -> None:
    settled = plan_search(small).config
    assert settled.metrics is not None
    assert set(OF_DIGITS) <= set(settled.metrics)
    assert StudyConfig.from_dict(json.loads(json.dumps(settled.to_dict()))) == settled
    old = {name: value for name, value in small.to_dict().items() if name != "metrics"}
    assert StudyConfig.from_dict(old).metrics is None
    assert "metrics" not in small.identity()
    assert replace(small, metrics="mse,psnr").metrics == ("mse", "psnr")
