"""Trials of a search that are trained again."""

import io
import math
import shutil
from concurrent.futures import Executor
from pathlib import Path

import pytest
from command_line import asymnas
from rich.console import Console

from asymnas import Run, StudyConfig
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.reporting.replayed import print_replay
from asymnas.runs.replay import Replayed, replay, unlike

from .conftest import InProcess


def config_of(run: Run) -> StudyConfig:
    return StudyConfig.from_dict(run.config)


def test_every_finished_trial_comes_out_the_same(uninterrupted: Run, in_process: Executor) -> None:
    done = list(replay(uninterrupted, config_of(uninterrupted), in_process))
    finished = uninterrupted.own[uninterrupted.own[t.STATE].isin(["complete", "pruned"])]
    assert sorted(trial.trial for trial in done) == finished[t.TRIAL].tolist()
    assert {trial.examples for trial in done} == set(finished[t.EXAMPLES])
    assert all(trial.equal for trial in done)


def test_what_differs_is_shown_and_counted(
    uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asymnas.runs.execute.local_processes", lambda *arguments: InProcess())
    run = Run.open(uninterrupted.directory)
    first, second = run.own.index[:2]
    run.own.loc[first, t.VAL_LOSS] *= 1.5
    run.own.at[second, t.LEARNING_RATE] = math.nan
    page = io.StringIO()
    result = print_replay(Console(file=page, width=200), run, config_of(run))
    assert (result["trials"], result["equal"]) == (len(run.own), len(run.own) - 2)
    changed, broken = result["different"]
    assert changed["again"] == pytest.approx(changed["loss"] / 1.5)
    assert broken["again"] is None
    assert "(-3.3e-01)" in page.getvalue()
    assert "now it fails" in page.getvalue()
    assert f"{len(run.own) - 2} of {len(run.own)} trials came out the same" in page.getvalue()


def test_another_set_up_is_named(uninterrupted: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unlike(uninterrupted) == {}
    then = {**uninterrupted.study.setup, "torch": "1.0"}
    monkeypatch.setattr(type(uninterrupted.study), "setup", then)
    assert unlike(uninterrupted)["torch"][0] == "1.0"


def test_equal_is_equal_to_the_last_bit() -> None:
    assert Replayed(0, 64, 0.1, 0.1).equal
    assert not Replayed(0, 64, 0.1, math.nextafter(0.1, 1)).equal
    assert not Replayed(0, 64, 0.1, None, "diverged").equal


def test_runs_that_cannot_be_replayed_are_named(
    uninterrupted: Run, monkeypatch: pytest.MonkeyPatch, in_process: Executor
) -> None:
    run = Run.open(uninterrupted.directory)
    monkeypatch.setattr(type(run.study), "purpose", "sweep")
    with pytest.raises(StudyError, match="is a sweep"):
        list(replay(run, config_of(run), in_process))


@pytest.mark.parametrize(
    ("flags", "code", "words"),
    [
        (("--budget", "10k"), 2, "leave --budget out"),
        (("--fresh",), 2, "leave --fresh out"),
        (("--dry-run",), 2, "leave --dry-run out"),
        ((), 1, "holds no run"),
    ],
)
def test_bad_commands_get_one_line(
    flags: tuple[str, ...], code: int, words: str, tmp_path: Path
) -> None:
    result = asymnas("search", "--replay", str(tmp_path), *flags)
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_the_command_answers_by_its_exit_code(
    uninterrupted: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asymnas.runs.execute.local_processes", lambda *arguments: InProcess())
    shutil.copytree(uninterrupted.directory, tmp_path / "run")
    result = asymnas("search", "--replay", str(tmp_path / "run"), "--workers", "1", "--json")
    assert result.exit_code == 0, result.output
    assert '"different": []' in result.stdout
