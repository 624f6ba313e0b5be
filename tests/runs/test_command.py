"""The command as a person runs it: crashes, interruptions, wrong flags."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from command_line import asymnas
from PIL import Image

from asymnas import Run
from asymnas.core import columns as t

from .conftest import finished

SMALL = ("--family", "dense", "--budget", "6k", "--latent", "8", "--examples", "4k")
SMALL += ("--precision", "fp32", "--trials", "6", "--run-dir", "run", "--metrics", "psnr")
ALONE = ("--workers", "1")  # a worker begins by importing torch


def _finished(database: Path) -> dict[int, tuple[str, Any]]:
    """State and values of finished trials, read as any Optuna tool would."""
    study = optuna.load_study(study_name="digits", storage=f"sqlite:///{database}")
    trials = study.get_trials(deepcopy=False)
    return {
        trial.number: (trial.state.name, trial.values)
        for trial in trials
        if trial.state.is_finished()
    }


@pytest.mark.slow
@pytest.mark.essential
def test_kill_of_the_whole_group_loses_nothing(
    search: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "run" / "study.db"
    killed = search(*SMALL)
    killed.wait_until(lambda: finished(database) >= 2)
    killed.send(signal.SIGKILL)
    killed.finish()
    before = _finished(database)
    result = asymnas("search", *SMALL, *ALONE, "--json")
    assert result.exit_code == 0, result.stderr
    after = _finished(database)
    assert before.items() <= after.items()
    table = Run.open(tmp_path / "run").table
    assert set(table[t.STATE]) <= {"complete", "pruned", "failed"}
    assert table[t.DUPLICATE_OF].isna().sum() == 6


@pytest.mark.slow
@pytest.mark.essential
def test_ctrl_c_ends_within_five_seconds(
    search: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "run" / "study.db"
    running = search(*SMALL)
    running.wait_until(lambda: finished(database) >= 2)
    running.send(signal.SIGINT)
    assert running.cpu_seconds_to_end() < 5
    code, out, err = running.finish()
    assert code == 130
    assert "Interrupted" in out
    assert "Traceback" not in out + err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["trials"]["complete"] + summary["trials"]["pruned"] >= 2
    result = asymnas("search", *SMALL, *ALONE, "--json")
    assert result.exit_code == 0, result.stderr
    trials = json.loads(result.stdout)["trials"]
    assert trials["complete"] + trials["pruned"] + trials["failed"] == 6
    assert trials["unfinished"] == 0


@pytest.mark.slow
@pytest.mark.essential
def test_timeout_pauses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = asymnas("search", *SMALL, *ALONE, "--trials", "2000", "--timeout", "3s")
    assert result.exit_code == 0, result.stderr
    assert "time is up" in result.stdout


@pytest.mark.slow
@pytest.mark.essential
def test_a_second_coordinator_is_refused(
    search: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    database = tmp_path / "run" / "study.db"
    first = search(*SMALL, *ALONE, "--trials", "500")
    first.wait_until(lambda: finished(database) >= 1)
    second = asymnas("search", *SMALL, *ALONE, "--trials", "500")
    assert second.exit_code == 1
    assert str(first.process.pid) in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1
    first.send(signal.SIGINT)
    code, _, err = first.finish()
    assert code == 130, err


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    """A folder of unusable inputs."""
    (tmp_path / "empty").mkdir()
    unlike = tmp_path / "unlike"
    unlike.mkdir()
    for i in range(12):
        mode = "RGB" if i % 2 else "L"
        Image.new(mode, (8, 8), color=i * 9).save(unlike / f"{i}.png")
    x = np.random.default_rng(0).normal(size=(50, 5))
    x[3, 2] = np.nan
    np.savez(tmp_path / "nan.npz", x=x)
    (tmp_path / "file").write_text("not a folder")
    return tmp_path


@pytest.mark.slow
@pytest.mark.essential
def test_a_run_of_other_settings_is_not_written_over(
    bad: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bad)
    start = ["search", *SMALL, *ALONE, "--trials", "2", "--examples", "600"]
    assert asymnas(*start).exit_code == 0

    def files() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in (bad / "run").rglob("*") if p.is_file()}

    kept = files()
    for change, words in (
        (("--budget", "7k"), "budget was 6000, now 7000"),
        (("--seed", "4"), "seed was 0, now 4"),
        (("--name", "other"), "holds the study 'digits', not 'other'"),
    ):
        result = asymnas(*start, *change)
        assert result.exit_code == 1
        assert words in result.stderr
    assert files() == kept
    assert asymnas(*start, "--budget", "7k", "--fresh").exit_code == 0
    assert Run.open(bad / "run").study.config["budget"] == 7000


def test_dry_run_trains_nothing(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bad)
    result = asymnas("search", "--dry-run")
    assert result.exit_code == 0
    assert "decoder_upsampling" in result.output
    assert "Nothing was trained" in result.output
    assert not (bad / "runs").exists()


@pytest.mark.slow
@pytest.mark.essential
def test_a_study_file_and_flags_over_it(bad: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bad)
    (bad / "mine.py").write_text(
        "from asymnas import StudyConfig\n\n\ndef study():\n"
        "    return StudyConfig(name='mine', family='dense', budget=6_000, trials=9,\n"
        "                       examples=600, latent=4)\n"
    )
    result = asymnas("search", "mine.py", *ALONE, "--trials", "2")
    assert result.exit_code == 0, result.output
    summary = json.loads((bad / "runs" / "mine" / "summary.json").read_text())
    assert summary["study"] == "mine"
    assert summary["budget"] == {"total_params": 6000}
    assert summary["trials"]["complete"] + summary["trials"]["pruned"] == 2
