"""Sweep and confirmation as a person runs them: the whole way, crashes, wrong flags."""

import json
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from command_line import asymnas

from asymnas import Run
from asymnas.core import columns as t

from .conftest import finished, wait_until

SEARCH = ("--family", "dense", "--budget", "6k", "--latent", "8", "--examples", "3k")
SEARCH += ("--trials", "6", "--workers", "2", "--metrics", "psnr")
SWEEP = ("--family", "dense", "--budgets", "6k", "--latent", "8", "--examples", "3k")
SWEEP += ("--shares", "3", "--structures", "3", "--seeds", "1", "--rates", "1", "--horizons", "1")
SWEEP += ("--workers", "2", "--metrics", "psnr")
BRIEF = ("--examples", "600", "--workers", "1")  # a worker begins by importing torch
RUNS = 9 * 3 + 3 * 4 + 2 * 3  # screened, measured, trained shorter and longer


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.long
def test_from_a_search_to_its_verdict(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = asymnas("search", *SEARCH, *BRIEF)
    assert result.exit_code == 0, result.stderr
    result = asymnas("sweep", *SWEEP, *BRIEF)
    assert result.exit_code == 0, result.stderr
    assert "best decoder share is" in result.stdout
    confirm = ("runs/digits", "--searches", "1", "--seeds", "2", "--top", "1", "--rates", "1")
    result = asymnas("confirm", *confirm, "--json")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    assert [c["name"] for c in scores["contenders"]][:2] == ["best", "symmetric"]
    result = asymnas("report", "runs/digits")
    assert (result.exit_code, result.stdout.strip()) == (0, "runs/digits/report.html")
    page = (tmp_path / "runs" / "digits" / "report.html").read_text()
    for title in ("Loss against decoder share", "Confirmed with fresh seeds", "What it cost"):
        assert title in page
    verdict = json.loads((tmp_path / "runs" / "digits" / "summary.json").read_text())["verdict"]
    assert "best decoder share is" in verdict[0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_sweep_that_was_stopped_goes_on(
    search: Callable[..., Any], tmp_path: Path, number: signal.Signals
) -> None:
    directory = tmp_path / "runs" / "digits" / "sweep"
    stopped = search(*SWEEP, command="sweep")
    wait_until(lambda: finished(directory / "study.db") >= 20)
    stopped.send(number)
    code, out, err = stopped.finish()
    if number == signal.SIGINT:
        assert code == 130
        assert "Interrupted" in out
    assert "Traceback" not in out + err
    code, out, err = search(*SWEEP, "--json", command="sweep").finish()
    assert code == 0, err
    table = Run.open(directory).table
    assert len(table) == RUNS
    assert set(table[t.STATE]) == {"complete"}
    assert json.loads(out)["trials"]["complete"] == RUNS


def test_dry_run_states_the_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = asymnas("sweep", *SWEEP, "--dry-run")
    assert result.exit_code == 0, result.output
    shown = " ".join(result.output.split())
    assert f"choosing structures: 27 runs, {27 * 512:,} training examples" in shown
    assert f"measuring: about 12 runs, {12 * 3008:,} training examples" in shown
    assert f"training 4 times as long: 3 runs, {3 * 12032:,} training examples" in shown
    assert "Nothing was trained" in shown
    assert not (tmp_path / "runs").exists()
