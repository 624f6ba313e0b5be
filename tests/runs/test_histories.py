"""Random histories of kills, disks that fail, workers that break or hang: all end undisturbed.

Each is checked against faults put in on purpose, which a few histories have to find.
"""

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from asymnas.runs.plan import plan_search
from asymnas.runs.time_limits import TimeLimits

from .conftest import executed, small_search
from .faults import at, files
from .histories import History, problem_of
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

SEEDS, PART = 500, 50  # in parts, for as many processes as there are
FEW = 60


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
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_many_histories(first: int, tmp_path: Path) -> None:
    assert list(problems(tmp_path, range(first, first + PART))) == []


def forgotten(*arguments: object) -> None:
    """In place of a method: it does nothing."""


def at_once(limits: TimeLimits[object], now: float, at_work: set[object]) -> dict[object, float]:
    """In place of the limits: none is waited for."""
    return dict.fromkeys(at_work, 0.0)


def never(limits: TimeLimits[object], now: float, at_work: set[object]) -> dict[object, float]:
    """In place of the limits: each is waited for."""
    return {}


@pytest.mark.parametrize(
    ("place", "fault", "said"),
    [
        ("coordinator.Coordinator._resume", forgotten, ""),  # what was in training is left
        ("trials.TrialStore._load", forgotten, ""),  # what was trained is forgotten
        ("time_limits.TimeLimits.overdue", never, "a worker hangs for 7200 s and is not replaced"),
        ("time_limits.TimeLimits.overdue", at_once, "the limit is "),  # and late answers are lost
        ("time_limits.LONGEST_PASS_S", math.inf, "the limit is "),  # the machine's sleep counts
        ("coordinator.MOST_HANGS", 1, "DataFrame"),  # one hang and the trial fails
    ],
)
@pytest.mark.slow
@pytest.mark.essential
def test_faults_put_in_on_purpose_are_found_and_named_by_seed(
    place: str, fault: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"asymnas.runs.{place}", fault)
    found = next(problems(tmp_path, range(FEW)))
    assert found.startswith("seed ")
    assert said in found


@pytest.mark.slow
@pytest.mark.essential
def test_a_seed_gives_one_history_whatever_the_threads_do(tmp_path: Path) -> None:
    plan = plan_search(replace(small_search(tmp_path / "plan"), trials=6))
    for seed in range(6):
        first, second = (History(seed, plan, tmp_path / f"{seed} {name}") for name in "ab")
        first.happen()
        second.happen()
        assert first.events == second.events
        assert (first.starts, first.rungs) == (second.starts, second.rungs)
