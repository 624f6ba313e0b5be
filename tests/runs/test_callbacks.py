"""Optuna's callbacks in our loop: when they are called, and how they end a run."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import OperationalError

from asymnas import Run, StudyConfig, run_search
from asymnas.core import columns as t
from asymnas.core.errors import ConfigError
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.training.rung import Job, RungResult

from .made_results import Made, luck, made_result

pytestmark = pytest.mark.usefixtures("in_memory")

STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}


@pytest.fixture(autouse=True)
def unpublished(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asymnas.reporting.publish.publish", lambda run: None)


class Noting:
    """Notes each trial that it is called with, and then does something."""

    def __init__(self, then: Callable[[optuna.Study], Any] = lambda study: None) -> None:
        self.trials: list[FrozenTrial] = []
        self._then = then

    def __call__(self, study: optuna.Study, trial: FrozenTrial) -> None:
        assert study.trials[trial.number].state == trial.state
        self.trials.append(trial)
        self._then(study)

    @property
    def states(self) -> dict[int, str]:
        return {trial.number: STATES[trial.state] for trial in self.trials}


def some_fail(job: Job) -> RungResult:
    return RungResult(metrics={}, seconds=1, failure="nan") if luck(job) < 0.2 else made_result(job)


def test_each_trial_is_seen_once_when_it_has_finished(small: StudyConfig) -> None:
    seen, others = Noting(), Noting()
    config = replace(small, trials=12)
    run = run_search(config, executor=Made(some_fail), callbacks=[seen, others])
    table = run.table.set_index(t.TRIAL)
    assert seen.states == others.states == table[t.STATE].to_dict()
    assert set(seen.states.values()) == {"complete", "pruned", "failed"}
    assert len(seen.trials) == len(table)
    for trial in seen.trials:
        if trial.state == TrialState.COMPLETE:
            assert trial.value == table.loc[trial.number, t.VAL_LOSS]
            assert trial.user_attrs[t.TOTAL_PARAMS] == table.loc[trial.number, t.TOTAL_PARAMS]
    again = Noting()
    run_search(replace(config, trials=14), executor=Made(some_fail), callbacks=[again])
    assert not {*again.states} & {*seen.states}


def own(run: Run) -> dict[int, tuple[str, float]]:
    return {row[t.TRIAL]: (row[t.STATE], row[t.VAL_LOSS]) for _, row in run.own.iterrows()}


def test_a_study_that_a_callback_stops_is_one_that_the_user_has_interrupted(
    small: StudyConfig, tmp_path: Path
) -> None:
    def stop(study: optuna.Study) -> None:
        if len(seen.trials) == 3:
            study.stop()

    seen = Noting(stop)
    with execute(plan_search(small), executor=Made(), callbacks=[seen]) as (_, ending):
        assert ending == "interrupted"
        assert len(seen.trials) == 3
    executor = Made()
    assert own(run_search(small, executor=executor)) == own(
        run_search(replace(small, run_dir=str(tmp_path / "whole")), executor=Made())
    )


@pytest.mark.parametrize(
    "error",
    [ValueError("mine"), OSError(28, "No space left"), OperationalError("", {}, Exception("mine"))],
    ids=lambda error: type(error).__name__,
)
def test_an_error_of_a_callback_ends_the_run_and_loses_nothing(
    small: StudyConfig, tmp_path: Path, error: Exception
) -> None:
    def fail(study: optuna.Study) -> None:
        raise error

    small = replace(small, trials=4)
    seen, after, executor = Noting(fail), Noting(), Made()
    with pytest.raises(type(error)) as raised:
        run_search(small, executor=executor, callbacks=[seen, after])
    assert raised.value is error
    assert (len(seen.trials), len(after.trials)) == (1, 0)
    again = Made()
    run = run_search(small, executor=again)
    whole = Made()
    there = run_search(replace(small, run_dir=str(tmp_path / "whole")), executor=whole)
    assert own(run) == own(there)
    assert len(executor.jobs) + len(again.jobs) == len(whole.jobs)  # no rung twice


@pytest.mark.parametrize("given", [print, [print, None], "print", 3, None])
def test_what_is_no_list_of_functions_is_named(small: StudyConfig, given: Any) -> None:
    with pytest.raises(ConfigError, match=r"callbacks must be a list of functions of \(study, tri"):
        run_search(small, executor=Made(), callbacks=given)
    assert not Path(small.run_dir).exists()


def test_torchs_tensorboard_takes_what_a_callback_gets(small: StudyConfig, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tmp_path / "log") as writer:

        def log(study: optuna.Study, trial: FrozenTrial) -> None:
            if trial.value is not None:
                writer.add_scalar("val_loss", trial.value, trial.number)

        run = run_search(replace(small, trials=3), executor=Made(), callbacks=[log])
    logged = EventAccumulator(str(tmp_path / "log")).Reload().Scalars("val_loss")
    losses = run.own.set_index(t.TRIAL)[t.VAL_LOSS]
    assert {e.step: pytest.approx(e.value) for e in logged} == losses.to_dict()


@pytest.mark.slow  # MLflow makes its database in seconds
@pytest.mark.filterwarnings("ignore")  # of packages that are not ours
def test_mlflow_takes_what_a_callback_gets(small: StudyConfig, tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow")
    integration = pytest.importorskip("optuna_integration")
    objectives = ("val_loss", "total_params")
    config = replace(small, trials=3, objectives=objectives)
    seen, to_mlflow = (
        Noting(),
        integration.MLflowCallback(f"sqlite:///{tmp_path / 'log.db'}", [*objectives]),
    )
    run_search(config, executor=Made(), callbacks=[seen, to_mlflow])
    logged = mlflow.search_runs(search_all_experiments=True).set_index("tags.mlflow.runName")
    assert len(logged) == len(seen.trials) >= 3
    for trial in seen.trials:
        row = logged.loc[str(trial.number)]
        assert [row[f"metrics.{name}"] for name in objectives] == trial.values
        assert float(row["params.learning_rate"]) == pytest.approx(trial.params["learning_rate"])
