"""The loop, whole: what a search promises about its trials."""

import json
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
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
from asymnas.runs.coordinator import Snapshot
from asymnas.runs.plan import plan_search
from asymnas.training.evaluation import evaluate
from asymnas.training.rung import RungResult, train_rung

from .conftest import executed

COMPARED = [t.TRIAL, t.STATE, t.VAL_LOSS, t.TOTAL_PARAMS, t.EXAMPLES, t.LEARNING_RATE]


def _values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED].reset_index(drop=True)


def test_holds_exactly_the_trials_asked_for(small: StudyConfig, in_process: Executor) -> None:
    seen: list[Snapshot] = []
    run = run_search(small, executor=in_process, observe=seen.append)
    own = run.table[run.table[t.DUPLICATE_OF].isna()]
    assert len(own) == small.trials
    assert set(own[t.STATE]) == {"complete", "pruned"}
    assert own[t.TOTAL_PARAMS].max() <= small.budget
    assert seen[-1].finished == seen[-1].wanted == small.trials
    assert own[own[t.STATE] == "pruned"][t.EXAMPLES].max() < own[t.EXAMPLES].max()
    assert not own[(own[t.STATE] == "pruned") & own[t.NEVER_PRUNED]].any(axis=None)
    before = _values(run)
    more = run_search(replace(small, trials=14), executor=in_process)
    assert (more.table[t.DUPLICATE_OF].isna()).sum() == 14
    pd.testing.assert_frame_equal(_values(more).head(len(before)), before)


def test_same_seed_same_trials(small: StudyConfig, tmp_path: Path, in_process: Executor) -> None:
    one = run_search(small, executor=in_process)
    two = run_search(replace(small, run_dir=str(tmp_path / "two")), executor=in_process)
    other = replace(small, seed=1, run_dir=str(tmp_path / "three"))
    pd.testing.assert_frame_equal(_values(one), _values(two))
    assert not _values(run_search(other, executor=in_process)).equals(_values(one))


class _Interrupting(Executor):
    """Raises Ctrl-C in place of the n-th rung."""

    def __init__(self, inner: Executor, after: int) -> None:
        self.inner, self.left = inner, after

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return self.inner.submit(fn, *args, **kwargs)


@pytest.mark.parametrize("rungs", [0, 5, 6, 7])
def test_a_continued_run_equals_an_uninterrupted_one(
    small: StudyConfig, tmp_path: Path, in_process: Executor, rungs: int
) -> None:
    whole = run_search(small, executor=in_process)
    broken = replace(small, run_dir=str(tmp_path / "broken"))
    _, ending = executed(plan_search(broken), executor=_Interrupting(in_process, rungs))
    assert ending == "interrupted"
    assert (tmp_path / "broken" / "summary.json").is_file()
    pd.testing.assert_frame_equal(_values(run_search(broken, executor=in_process)), _values(whole))


class _Breaking(Executor):
    """Loses the worker at every third rung, or breaks all rungs with the given error."""

    def __init__(self, inner: Executor, error: Exception | None = None) -> None:
        self.inner, self.error, self.calls = inner, error, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        if self.error is None and self.calls % 3:
            return self.inner.submit(fn, *args, **kwargs)
        future: Future[Any] = Future()
        future.set_exception(self.error or BrokenExecutor("a worker died"))
        return future


def test_a_lost_worker_costs_only_its_rung(
    small: StudyConfig, tmp_path: Path, in_process: Executor
) -> None:
    whole = run_search(small, executor=in_process)
    lossy = replace(small, run_dir=str(tmp_path / "lossy"))
    pd.testing.assert_frame_equal(
        _values(run_search(lossy, executor=_Breaking(in_process))), _values(whole)
    )


@pytest.mark.parametrize("error", [BrokenExecutor("worker gone"), MemoryError("no room")])
def test_what_always_breaks_fails_with_its_reason(
    small: StudyConfig, in_process: Executor, error: Exception
) -> None:
    run = run_search(replace(small, trials=3), executor=_Breaking(in_process, error))
    assert list(run.table[t.STATE]) == ["failed"] * 3
    assert run.table[t.FAILURE].str.contains(str(error)).all()
    assert run.summary["best"] is None
    with pytest.raises(StudyError, match="none of the 3 trials has completed"):
        find_best_architecture(run)


def test_a_diverging_candidate_fails_alone(small: StudyConfig, in_process: Executor) -> None:
    wild = replace(small, trials=6, learning_rates=(1e-3, 1e6), sampler="random", examples=20_000)
    run = run_search(wild, executor=in_process)
    states = run.table[t.STATE].value_counts()
    assert states.get("failed", 0) >= 1
    assert states.sum() == 6
    failed = run.table[run.table[t.STATE] == "failed"]
    assert failed[t.FAILURE].str.contains("diverged|collapsed").all()


class _Made(Executor):
    """Answers rungs from the architecture alone: a simulation is the same loop."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        (job,) = args
        assert fn is train_rung
        loss = 1 / job.architecture.counts.total_params + 1 / job.until
        future: Future[Any] = Future()
        metrics = {t.VAL_LOSS: loss, "mse": loss, "psnr": -loss}
        future.set_result(RungResult(metrics=metrics))
        return future


def test_no_architecture_is_trained_twice(
    small: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asymnas.runs.coordinator.MOST_DUPLICATES", 20)
    tiny = replace(small, budget=900, symmetric=True, trials=60, latent=2, sampler="random")
    plan = plan_search(tiny)
    from asymnas.runs.coordinator import Coordinator
    from asymnas.runs.phases import Phase
    from asymnas.runs.study import open_study

    study = open_study(plan)
    seen: list[Snapshot] = []
    phase = Phase(config=plan.config, source=plan.space)
    ending = Coordinator(phase, study, _Made(), seen.append).run()
    table = study.table()
    own = table[table[t.DUPLICATE_OF].isna()]
    keys = [Architecture.from_dict(a).key() for a in own[t.ARCHITECTURE]]
    assert len(set(keys)) == len(keys)
    assert "running" not in set(table[t.STATE])
    copies = table[table[t.DUPLICATE_OF].notna()]
    assert len(copies) > 0
    for _, copy in copies.iterrows():
        original = table.iloc[int(copy[t.DUPLICATE_OF])]
        assert copy[t.STATE] == original[t.STATE]
        assert copy[t.ARCHITECTURE] == original[t.ARCHITECTURE]
    assert ending in ("finished", "exhausted")
    assert seen[-1].finished == len(own)


@pytest.mark.parametrize("sampler", ["tpe", "nsgaii", "gp", "random", "qmc"])
def test_every_sampler_serves(small: StudyConfig, in_process: Executor, sampler: str) -> None:
    run = run_search(replace(small, sampler=sampler, trials=13, examples=700), executor=in_process)
    assert (run.table[t.DUPLICATE_OF].isna()).sum() == 13
    assert len(run.front) >= 1


def test_any_optuna_sampler_serves(small: StudyConfig, in_process: Executor) -> None:
    sampler = optuna.samplers.TPESampler(seed=3)
    run = run_search(replace(small, sampler=sampler, trials=4), executor=in_process)
    assert run.study.config["sampler"] == "TPESampler"


@pytest.mark.parametrize(
    "objectives",
    [("psnr", "decoder_macs"), ("val_loss",), ("mse", "encoder_params", "total_macs")],
)
def test_other_objectives(
    small: StudyConfig, in_process: Executor, objectives: tuple[str, ...]
) -> None:
    run = run_search(replace(small, objectives=objectives, trials=6), executor=in_process)
    best = run.summary["best"]
    assert list(best["values"]) == list(objectives)
    complete = run.table[run.table[t.STATE] == "complete"]
    first = complete[objectives[0]]
    assert best["values"][objectives[0]] == (
        first.max() if objectives[0] == "psnr" else first.min()
    )
    direction = run.study.optuna.directions[0].name
    assert direction == ("MAXIMIZE" if objectives[0] == "psnr" else "MINIMIZE")


def test_results_are_what_they_say(small: StudyConfig, in_process: Executor) -> None:
    run = run_search(small, executor=in_process)
    directory, summary = run.directory, run.summary
    assert summary == json.loads((directory / "summary.json").read_text())
    assert sum(summary["trials"][s] for s in ("complete", "pruned", "failed")) == small.trials
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


def test_the_finder_takes_every_source(small: StudyConfig, in_process: Executor) -> None:
    run = run_search(small, executor=in_process)
    url = f"sqlite:///{run.directory / 'study.db'}"
    study = optuna.load_study(study_name="digits", storage=url)
    trials = {
        find_best_architecture(source).trial
        for source in (run, str(run.directory), run.directory, url, study)
    }
    assert trials == {run.summary["best"]["trial"]}
    smallest = int(run.front[t.TOTAL_PARAMS].min())
    found = find_best_architecture(run, max_params=smallest)
    assert found.encoder_params + found.decoder_params == smallest
    assert found.load()(torch.rand(2, 1, 8, 8)).shape == (2, 1, 8, 8)
    with pytest.raises(ValueError, match=f"the smallest has {smallest:,}"):
        find_best_architecture(run, max_params=smallest - 1)
    assert np.isclose(found.decoder_share, found.decoder_params / smallest)
