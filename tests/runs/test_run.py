"""A run is read once, and what lies beside it is used, left out with a reason, or not there."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from made_studies import made_plan, write_trials
from made_tables import made_table
from problems import drawn

from asymnas import Run, find_best_architecture
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.networks.families import Problem
from asymnas.reporting.publish import publish
from asymnas.runs.study import SearchStudy, open_study

ARCHITECTURE = drawn("dense", Problem(shape=(64,), latent=3), 0).to_dict()


def made_run(directory: Path, rows: pd.DataFrame | None = None, **plan: Any) -> Run:
    table = made_table(8) if rows is None else rows
    study = open_study(made_plan(directory, plan=plan))
    write_trials(study, table.assign(**{t.ARCHITECTURE: [ARCHITECTURE] * len(table)}))
    study.close()
    return Run.open(directory)


SWEEP = {"purpose": "sweep", "design": {"budgets": [5_000], "rates": 3}}
CONFIRMATION = {
    "purpose": "confirmation",
    "design": {"contenders": {"best": "trial 7"}, "rates": 3},
    "remarks": {"seeds": 1, "margin": 0.01, "controls": [], "missing": {}},
}


@pytest.mark.usefixtures("held_in_memory")
def test_values_hold_every_objective_metric_and_count(tmp_path: Path) -> None:
    """With the default objectives, whole numbers among them."""
    run = made_run(tmp_path)
    assert [o.name for o in run.objectives] == ["val_loss", "total_params"]
    best, row = run.best, run.front.iloc[0]
    assert run.trained(int(row[t.TRIAL])) == run.trained(row) == best
    with pytest.raises(StudyError, match="has no trial 99: give one of its front"):
        run.trained(99)
    assert {"val_loss", "psnr", *t.COUNT_COLUMNS} <= best.values.keys()
    assert best.values["total_params"] == row[t.TOTAL_PARAMS]
    assert isinstance(best.values["total_params"], int)
    assert best.values["val_loss"] == row[t.VAL_LOSS]
    assert best.learning_rate == row[t.LEARNING_RATE]
    others = {
        t.TRIAL,
        t.SECONDS,
        t.EXAMPLES,
        t.LEARNING_RATE,
        t.NEVER_PRUNED,
        "drawn.learning_rate",
    }
    assert not others & best.values.keys()


@pytest.mark.usefixtures("held_in_memory")
def test_it_is_read_once_until_it_is_refreshed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = made_run(tmp_path, made_table(30).head(10))
    reads: list[str] = []
    whole = SearchStudy.table

    def counting(study: SearchStudy) -> pd.DataFrame:
        reads.append("read")
        return whole(study)

    monkeypatch.setattr(SearchStudy, "table", counting)
    first = (run.table, run.front, run.own, run.measured, run.best)
    assert first[0] is run.table
    assert first[1] is run.front
    assert reads == ["read"]
    study = open_study(made_plan(tmp_path))
    rows = made_table(30).tail(20)
    write_trials(study, rows.assign(**{t.ARCHITECTURE: [ARCHITECTURE] * 20}))
    study.close()
    assert len(run.table) == 10
    run.refresh()
    assert len(run.table) == 30


@pytest.mark.usefixtures("held_in_memory")
def test_the_runs_beside_a_search_are_read_with_it(tmp_path: Path) -> None:
    made_run(tmp_path)
    made_run(tmp_path / "control")
    made_run(tmp_path / "sweep", **SWEEP)
    run = Run.open(tmp_path)
    assert run.search is run
    assert list(run.runs) == ["search", "control", "sweep"]
    assert run.sweep is run.sweep
    assert run.confirmation is None
    assert (run.left_out, dict(run.unreadable)) == ((), {})
    sweep = Run.open(tmp_path / "sweep")
    assert sweep.sweep is sweep
    assert list(sweep.runs) == ["sweep"]


@pytest.mark.usefixtures("held_in_memory")
def test_a_sweep_of_another_problem_is_left_out_and_the_difference_named(tmp_path: Path) -> None:
    made_run(tmp_path)
    study = open_study(made_plan(tmp_path / "sweep", plan=SWEEP, latent=5))
    study.close()
    run = Run.open(tmp_path)
    assert run.sweep is None
    assert run.left_out == (
        "The sweep in sweep/ is about something else: latent 5 there, 16 here.",
    )


def damage(directory: Path) -> None:
    (directory / "study.db").write_bytes(b"not a database, but as long as one" * 100)


def test_what_cannot_be_read_is_named_and_what_was_made_from_it_is_kept(tmp_path: Path) -> None:
    made_run(tmp_path)
    rows = made_table(20).assign(**{t.CONTENDER: "best"})
    made_run(tmp_path / "confirmation", rows.head(0), **CONFIRMATION)
    (tmp_path / "confirmation.json").write_text(json.dumps({"verdict": ["kept"]}))
    damage(tmp_path / "confirmation")
    run = Run.open(tmp_path)
    assert run.confirmation is None
    assert list(run.unreadable) == ["confirmation"]
    assert run.left_out[0].startswith("The confirmation in confirmation/ cannot be read")
    publish(run)
    assert json.loads((tmp_path / "confirmation.json").read_text()) == {"verdict": ["kept"]}
    assert "cannot be read" in (tmp_path / "report.html").read_text()


def test_a_locked_run_is_unreadable_and_not_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asymnas.runs.run.BUSY_S", 0.1)
    made_run(tmp_path)
    made_run(tmp_path / "control")
    with closing(sqlite3.connect(tmp_path / "control" / "study.db")) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = Run.open(tmp_path)
        assert run.control is None
        assert "locked" in run.unreadable["control"]
    run.refresh()
    assert run.control is not None
    assert not run.unreadable


def test_a_run_that_opens_and_whose_trials_cannot_be_read_is_unreadable(tmp_path: Path) -> None:
    made_run(tmp_path)
    made_run(tmp_path / "control")
    with closing(sqlite3.connect(tmp_path / "control" / "study.db")) as database, database:
        database.execute("UPDATE trial_user_attributes SET value_json = '{'")
    run = Run.open(tmp_path)
    assert run.control is None
    assert "cannot read" in run.unreadable["control"]


def test_a_damaged_run_is_one_line_for_whoever_opens_it(tmp_path: Path) -> None:
    made_run(tmp_path)
    damage(tmp_path)
    with pytest.raises(StudyError) as caught:
        find_best_architecture(tmp_path)
    assert "\n" not in str(caught.value)
    (tmp_path / "storage.json").write_text("{")
    with pytest.raises(StudyError, match=r"storage\.json is damaged"):
        Run.open(tmp_path)
