"""What a start leaves half done, the next one takes up."""

import os
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest

from asymnas import StudyConfig, run_search
from asymnas.core import columns as t
from asymnas.core.errors import DataError, StudyError
from asymnas.runs.directory import Checkpoints
from asymnas.runs.plan import plan_search
from asymnas.runs.study import SearchStudy
from asymnas.space.ladder import Ladder

from .conftest import executed, trained
from .made_results import Made

COMPARED = [t.TRIAL, t.STATE, t.VAL_LOSS, t.TOTAL_PARAMS, t.LEARNING_RATE]


@pytest.mark.slow
@pytest.mark.essential
def test_a_trial_half_drawn_is_drawn_to_the_end_from_the_seed(
    small: StudyConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = executed(plan_search(small), Made())[0].table[COMPARED]
    continued = [
        _cut_off_at(number, small, tmp_path / f"{n}", Made(), monkeypatch)
        for n, number in enumerate((11, 2, 2))
    ]
    pd.testing.assert_frame_equal(continued[0], whole)
    pd.testing.assert_frame_equal(continued[1], continued[2])


def _cut_off_at(
    number: int,
    config: StudyConfig,
    run_dir: Path,
    executor: Executor,
    monkeypatch: pytest.MonkeyPatch,
) -> pd.DataFrame:
    """The table of a run that was stopped within a trial's draws and then continued."""
    real = Ladder.suggest

    def cut_off(self: Ladder, trial: int, suggester: Any, **options: Any) -> Any:
        if trial == number:
            suggester.suggest_int("encoder_depth", 1, 4)
            raise KeyboardInterrupt
        return real(self, trial, suggester, **options)

    plan = plan_search(replace(config, run_dir=str(run_dir)))
    with monkeypatch.context() as patched:
        patched.setattr(Ladder, "suggest", cut_off)
        assert executed(plan, executor=executor)[1] == "interrupted"
    return executed(plan, executor=executor)[0].table[COMPARED]


@pytest.mark.parametrize(
    ("owner", "where"),
    [(SearchStudy, "remember"), (SearchStudy, "tell"), (Checkpoints, "delete")],
    ids=["remember", "tell", "delete"],
)
@pytest.mark.parametrize("call", [1, 4, 9])
@pytest.mark.slow
@pytest.mark.essential
def test_a_stop_anywhere_after_a_rung_changes_nothing(
    small: StudyConfig,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    owner: type,
    where: str,
    call: int,
) -> None:
    if call != 4:  # one call of each on a database
        request.getfixturevalue("held_in_memory")
    whole = executed(plan_search(small), Made())[0].table[COMPARED]
    plan = plan_search(replace(small, run_dir=str(tmp_path / "broken")))
    calls = iter(range(1, 1_000))
    real = getattr(owner, where)

    def stop(self: Any, *arguments: Any, **options: Any) -> Any:
        if next(calls) == call:
            raise KeyboardInterrupt
        return real(self, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, where, stop)
        assert executed(plan, Made())[1] == "interrupted"
    run, ending = executed(plan, Made())
    assert ending == "finished"
    pd.testing.assert_frame_equal(run.table[COMPARED], whole)


def test_a_start_that_died_while_it_made_the_study_is_no_obstacle(
    small: StudyConfig, in_process: Executor
) -> None:
    plan = plan_search(replace(small, trials=2, examples=384))
    Path(plan.config.run_dir).mkdir(parents=True)
    url = f"sqlite:///{plan.config.run_dir}/study.db"
    optuna.create_study(study_name="digits", storage=url)
    assert executed(plan, executor=in_process)[1] == "finished"


def test_data_that_vanish_end_the_run_and_leave_its_trials_open(
    small: StudyConfig, tmp_path: Path, in_process: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where workers load them: they could not be written as they were prepared."""

    def full(path: Path, data: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("asymnas.runs.execute.write_prepared", full)
    file = tmp_path / "rows.csv"
    rows = pd.DataFrame({f"x{i}": range(i, 60 + i) for i in range(6)})
    rows.sample(frac=1, random_state=0).to_csv(file, index=False)
    plan = plan_search(replace(small, dataset=f"csv:{file}", latent=2, trials=3, budget=600))
    content = file.read_bytes()
    file.unlink()
    with pytest.raises(DataError):
        executed(plan, executor=in_process)
    file.write_bytes(content)
    run, ending = executed(plan, executor=in_process)
    assert ending == "finished"
    assert (run.table[t.STATE] == "failed").sum() == 0


def test_one_run_directory_holds_one_study(
    small: StudyConfig, tmp_path: Path, in_process: Executor
) -> None:
    short = replace(small, trials=2, examples=384)
    elsewhere = replace(short, storage=f"sqlite:///{tmp_path / 's.db'}")
    trained(elsewhere, in_process)
    with pytest.raises(StudyError, match="whose study is in"):
        trained(short, in_process)
    moved = replace(elsewhere, trials=3, run_dir=str(tmp_path / "moved"))
    run = run_search(moved, executor=in_process)
    assert run.summary["best"]
    assert (run.directory / "best" / "architecture.json").is_file()


def test_fresh_starts_over_whatever_the_directory_holds(small: StudyConfig) -> None:
    trained(replace(small, trials=2), Made())
    other = replace(small, name="other", trials=3, seed=5)
    with pytest.raises(Exception, match="holds the study 'digits', not 'other'"):
        trained(other, Made())
    run, _ = executed(plan_search(other), Made(), fresh=True)
    assert run.study.optuna.study_name == "other"
    assert len(run.table[run.table[t.DUPLICATE_OF].isna()]) == 3


def _cut_short(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [Path.unlink, _cut_short], ids=["lost", "cut short"])
@pytest.mark.slow
@pytest.mark.essential
def test_a_checkpoint_that_cannot_be_read_restarts_its_trial(
    small: StudyConfig, tmp_path: Path, in_process: Executor, damage: Callable[[Path], object]
) -> None:
    whole = trained(small, in_process).table[COMPARED]

    class Stop(Executor):
        left = 3

        def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise KeyboardInterrupt
            return in_process.submit(fn, *args, **kwargs)

    broken = plan_search(replace(small, run_dir=str(tmp_path / "broken")))
    run, _ = executed(broken, executor=Stop())
    kept = list((run.directory / "artifacts" / "checkpoints").iterdir())
    assert len(kept) == 1
    damage(kept[0])
    run, _ = executed(broken, executor=in_process)
    pd.testing.assert_frame_equal(run.table[COMPARED], whole)
