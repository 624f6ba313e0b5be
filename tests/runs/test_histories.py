"""Random histories of kills, failures and breaking workers end as if nothing had happened."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from asymnas.runs.plan import plan_search

from .conftest import executed, small_search
from .faults import at, files
from .histories import History, problem_of
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

SEEDS = 500
FEW = 30


def problems(tmp_path: Path, seeds: range) -> Iterator[str]:
    """What is wrong after the histories of these seeds, where something is."""
    plan = plan_search(replace(small_search(tmp_path / "plan"), trials=6))
    whole = at(plan, tmp_path / "whole")
    run, _ = executed(whole, Made())
    table = run.table.drop(columns=["seconds"])
    for seed in seeds:
        problem = problem_of(History(seed, plan, tmp_path / f"{seed}"), table, files(whole))
        if problem is not None:
            yield problem


@pytest.mark.slow
@pytest.mark.essential
def test_some_histories(tmp_path: Path) -> None:
    assert list(problems(tmp_path, range(FEW))) == []


@pytest.mark.slow
def test_many_histories(tmp_path: Path) -> None:
    assert list(problems(tmp_path, range(FEW, SEEDS))) == []


@pytest.mark.slow
@pytest.mark.essential
@pytest.mark.parametrize(
    ("owner", "name"),
    [
        ("asymnas.runs.coordinator.Coordinator", "_resume"),  # what was in training is left
        ("asymnas.runs.trials.TrialStore", "_load"),  # what was trained is forgotten
    ],
)
def test_faults_put_in_on_purpose_are_found_and_named_by_seed(
    owner: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"{owner}.{name}", lambda *arguments: None)
    assert next(problems(tmp_path, range(FEW))).startswith("seed ")
