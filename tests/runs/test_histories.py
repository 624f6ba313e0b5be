"""Random histories of kills, lost power, workers that break or hang: all end undisturbed.

Each is checked against faults put in on purpose, which a few histories have to find.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

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


@contextmanager
def in_place(path: Path) -> Iterator[IO[bytes]]:
    """In place of `whole_file`: the file itself, which is not synced."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        yield file


@pytest.mark.parametrize(
    ("place", "fault", "said"),
    [
        # what was in training is left, what was trained is forgotten
        ("runs.coordinator.Coordinator._resume", forgotten, ""),
        ("runs.trials.TrialStore._load", forgotten, ""),
        # no limit of time, one that makes late answers lost, and one that counts a machine's sleep
        ("runs.time_limits.TimeLimits.overdue", never, "hangs for 7200 s and is not replaced"),
        ("runs.time_limits.TimeLimits.overdue", at_once, "the limit is "),
        ("runs.time_limits.LONGEST_PASS_S", math.inf, "the limit is "),
        # one hang and the trial fails
        ("runs.coordinator.MOST_HANGS", 1, "DataFrame"),
        # files that are not synced, nor are their names: what was renamed comes back
        ("core.files.whole_file", in_place, "was not whole"),
        ("core.files._sync_names", forgotten, ""),
    ],
)
@pytest.mark.slow
@pytest.mark.essential
def test_faults_put_in_on_purpose_are_found_and_named_by_seed(
    place: str, fault: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(f"asymnas.{place}", fault)
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
