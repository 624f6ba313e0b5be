"""A run directory made by asymnas 0.1 opens, reports and continues, or says why it cannot.

`data/run-0.1` holds the files of one: a search of three trials, its database as SQL.
"""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from asymnas import Run, StudyConfig, find_best_architecture
from asymnas.core import columns as t
from asymnas.core.errors import StudyError
from asymnas.data.splits import RULE
from asymnas.reporting.publish import publish
from asymnas.runs.plan import plan_search
from asymnas.runs.study import check_data, open_study

FILES = Path(__file__).parent / "data" / "run-0.1"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    shutil.copytree(FILES / "checkpoints", tmp_path / "artifacts" / "checkpoints")
    for name in ("summary.json", "trials.csv"):
        shutil.copy(FILES / name, tmp_path / name)
    with closing(sqlite3.connect(tmp_path / "study.db")) as database:
        database.executescript((FILES / "study.sql").read_text())
    return tmp_path


def test_it_opens_with_all_its_trials_under_the_present_names(directory: Path) -> None:
    run = Run.open(directory)
    assert run.study.purpose == "search"
    assert run.study.setup["asymnas"] == "0.1.0"
    assert run.table[t.STATE].isin(t.STATES).all()
    assert run.table[t.NEVER_PRUNED].tolist() == [True, False, False]
    assert "quota" not in run.table
    best = find_best_architecture(directory, prefer="loss")
    assert best.trial == run.summary["best"]["trial"]
    assert best.values["total_params"] == run.summary["best"]["values"]["total_params"]
    model = best.load()
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 1, 8, 8)


def test_it_is_reported_anew_with_the_same_results(directory: Path) -> None:
    before = Run.open(directory).summary
    publish(Run.open(directory))
    now = Run.open(directory).summary
    assert now["best"]["trial"] == before["best"]["trial"]
    assert now["best"]["values"] == before["best"]["values"]
    assert now["trials"].items() >= before["trials"].items()
    assert now["hypervolume"] == pytest.approx(before["hypervolume"])
    assert (directory / "report.html").is_file()
    assert (directory / "best" / "weights.safetensors").is_file()


def test_it_continues_if_its_splits_would_be_the_same(directory: Path) -> None:
    stored = Run.open(directory).config
    plan = plan_search(StudyConfig.from_dict({**stored, "run_dir": str(directory), "trials": 4}))
    unlabelled = replace(plan, data=replace(plan.data, labels=None))
    study = open_study(unlabelled)
    assert len(study.table()) == 3
    study.close()


@pytest.mark.skipif(RULE == 1, reason="splits of labelled data are those of 0.1")
def test_it_is_refused_in_a_line_if_its_splits_would_be_others(directory: Path) -> None:
    stored = Run.open(directory).config
    plan = plan_search(StudyConfig.from_dict({**stored, "run_dir": str(directory), "trials": 4}))
    with pytest.raises(StudyError, match="which split labelled data") as e:
        open_study(plan)
    assert "\n" not in str(e.value)
    with pytest.raises(StudyError, match="which split labelled data"):
        check_data(Run.open(directory).study, plan.data)
    assert len(Run.open(directory).table) == 3
