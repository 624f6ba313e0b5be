"""The dashboard's command: where it listens, and what it says of that."""

import json
import re
import time
import urllib.request
from contextlib import suppress
from io import StringIO
from pathlib import Path
from urllib.error import URLError

import optuna
import pytest
from command_line import asymnas
from rich.console import Console

from asymnas import Run
from asymnas.dashboard import is_loopback, show_few_curves
from asymnas.reporting.live_dashboard import live_dashboard
from asymnas.runs.snapshot import Snapshot


@pytest.mark.parametrize("host", ["127.0.0.1", "127.3.2.1", "::1", "[::1]", "localhost"])
def test_addresses_of_this_machine(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.7", "example.org", "localhost.x"])
def test_addresses_that_others_reach(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize(("host", "warned"), [("127.0.0.1", False), ("0.0.0.0", True)])
def test_a_dashboard_that_others_reach_is_warned_of(
    host: str, warned: bool, uninterrupted: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    listening = []
    monkeypatch.setattr(
        "optuna_dashboard.run_server", lambda *arguments, **where: listening.append(where["host"])
    )
    result = asymnas("dashboard", str(uninterrupted.directory), "--host", host)
    assert result.exit_code == 0
    assert listening == [host]
    assert ("can read and change this run" in result.stderr) == warned


def test_the_dashboard_draws_the_curves_of_the_first_trials(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("asymnas.dashboard.MOST_CURVES", 2)
    study = optuna.create_study()
    for number in range(4):
        trial = study.ask()
        trial.report(0.5, 100)
        study.tell(trial, number)
    show_few_curves(study._storage)
    assert [trial.intermediate_values for trial in study.trials] == [{100: 0.5}] * 2 + [{}] * 2
    assert [trial.value for trial in study.trials] == [0, 1, 2, 3]
    assert study._storage.get_trial(3).intermediate_values == {100: 0.5}


@pytest.mark.slow
@pytest.mark.essential
def test_the_dashboard_is_served_while_a_run_goes_on(uninterrupted: Run) -> None:
    console, seen = Console(file=StringIO()), list[Snapshot]()
    snapshots = [Snapshot(wanted=4), Snapshot(wanted=4, complete=1)]
    with live_dashboard(str(uninterrupted.directory), console, seen.append) as observe:
        for snapshot in snapshots:
            observe(snapshot)
        (address,) = re.findall("http://[0-9.:]+", console.file.getvalue())
        for _ in range(600):
            with suppress(URLError), urllib.request.urlopen(f"{address}/api/studies") as answer:
                (study,) = json.load(answer)["study_summaries"]
                break
            time.sleep(0.1)
    assert study["study_name"] == uninterrupted.study.optuna.study_name
    assert seen == snapshots
    with pytest.raises(URLError):
        urllib.request.urlopen(f"{address}/api/studies")


def test_no_dashboard_is_served_that_was_not_asked_for(tmp_path: Path) -> None:
    console, seen = Console(file=StringIO()), list[Snapshot]()
    with live_dashboard(str(tmp_path), console, seen.append, wanted=False) as observe:
        observe(Snapshot(wanted=4))
    assert console.file.getvalue() == ""
    assert seen == [Snapshot(wanted=4)]
