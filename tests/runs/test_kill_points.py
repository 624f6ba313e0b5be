"""A small search that is killed, or fails, at each of its writes: nothing is lost or done twice.

Writes are those to the study and those to files: made, synced, renamed, deleted. A kill stops all
that would come after it, what cleans up too; the operating system frees the lock. A failed write
raises what a full disk does, once or from then on. Then the same search is started again.
"""

import json
import math
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from asymnas.core import columns as t
from asymnas.core.errors import AsymnasError
from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.plan import SearchPlan, plan_search

from .conftest import executed, small_search
from .faults import Faults, Killed, at, broken, faults, files, full, killed
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

TRIALS = 6
EVERY = 7  # of the points, in the tests that are always run


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SearchPlan:
    config = replace(small_search(tmp_path_factory.mktemp("plan") / "run"), trials=TRIALS)
    return plan_search(config)


def result(plan: SearchPlan, executor: Made) -> pd.DataFrame:
    """The table of a search that ends by itself."""
    run, ending = executed(plan, executor)
    assert ending == "finished"
    return run.table.drop(columns=[t.SECONDS])


@pytest.fixture(scope="module")
def whole(plan: SearchPlan, tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    return result(at(plan, tmp_path_factory.mktemp("whole")), Made())


@pytest.fixture(scope="module")
def points(plan: SearchPlan, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The writes of a search that nothing happens to."""
    with faults(Faults(None, killed)) as none:
        result(at(plan, tmp_path_factory.mktemp("points")), Made())
    return none.writes


def started_again(plan: SearchPlan, found: Faults) -> tuple[pd.DataFrame, int]:
    """The table of a search that a fault ended and another start finished, and rungs trained."""
    first, second = Made(), Made()
    with faults(found), suppress(Killed, AsymnasError, OSError):
        result(plan, first)
    table = result(plan, second)
    return table, len(first.jobs) + len(second.jobs)


KINDS = {
    "killed": (killed, 1),
    "full once": (full, 1),
    "full": (full, math.inf),
    "broken": (broken, 1),
}


def test_a_search_writes(points: list[str]) -> None:
    assert set(points) >= {"create_new_trial", "set_trial_user_attr", "fsync", "replace", "unlink"}
    assert len(points) > 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_a_search_ends_as_if_nothing_had_happened_at_any_write(
    kind: str, plan: SearchPlan, whole: pd.DataFrame, points: list[str], tmp_path: Path
) -> None:
    check(kind, plan, whole, range(1, len(points) + 1), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
@pytest.mark.essential
def test_a_search_ends_as_if_nothing_had_happened_at_some_writes(
    kind: str, plan: SearchPlan, whole: pd.DataFrame, points: list[str], tmp_path: Path
) -> None:
    offset = list(KINDS).index(kind) + 1
    check(kind, plan, whole, range(offset, len(points) + 1, EVERY * len(KINDS)), tmp_path)


def check(kind: str, plan: SearchPlan, whole: pd.DataFrame, numbers: range, tmp_path: Path) -> None:
    """Starts a search per number, with a fault at that write, and once more without."""
    untouched = at(plan, tmp_path / "untouched")
    result(untouched, Made())
    files_of_whole = files(untouched)
    error, times = KINDS[kind]
    wrong = []
    rungs = sum(len(curve) for curve in whole[t.CURVE])
    for number in numbers:
        found = Faults(number, error, times=times)
        own = at(plan, tmp_path / f"{number}")
        try:
            table, trained = started_again(own, found)
            pd.testing.assert_frame_equal(table, whole)
            assert trained <= rungs + 1, f"{trained} rungs were trained where {rungs} are enough"
            assert files(own) == files_of_whole, "other files are left"
        except Exception as fault:  # whatever it is, the others are tried too
            where = found.writes[number - 1] if len(found.writes) >= number else "?"
            wrong.append(f"{number} ({where}): {type(fault).__name__}: {str(fault)[:300]}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
def test_a_study_elsewhere_is_made_at_any_write(
    plan: SearchPlan, whole: pd.DataFrame, tmp_path: Path
) -> None:
    """Its place is written into the run directory."""
    for number in range(1, 30):
        own = at(plan, tmp_path / f"{number}")
        storage = f"sqlite:///{tmp_path / f'{number}.db'}"
        own = replace(own, config=replace(own.config, storage=storage))
        table, _ = started_again(own, Faults(number, killed))
        pd.testing.assert_frame_equal(table, whole)


@pytest.mark.slow
def test_results_are_whole_after_a_kill_at_any_write_of_them(
    plan: SearchPlan, tmp_path: Path
) -> None:
    own = at(plan, tmp_path / "whole")
    published(own, Faults(None, killed))
    expected, names = summary(own), files(own)
    with execute(own, executor=Made()) as (run, _), faults(Faults(None, killed)) as none:
        publish(run)
    assert len(none.writes) > 10
    for number in range(1, len(none.writes) + 1):
        own = at(plan, tmp_path / f"{number}")
        with suppress(Killed):
            published(own, Faults(number, killed))
        published(own, Faults(None, killed))
        now = summary(own)
        unlike = {name: (now[name], expected[name]) for name in now if now[name] != expected[name]}
        assert not unlike, f"write {number}, {none.writes[number - 1]}"
        assert files(own) == names, f"write {number}, {none.writes[number - 1]}"


def published(plan: SearchPlan, found: Faults) -> None:
    """Runs a search and publishes it, with a fault while it publishes."""
    with execute(plan, executor=Made()) as (run, _), faults(found):
        publish(run)


def summary(plan: SearchPlan) -> dict[str, Any]:
    """What a run has in its summary, its time left out, and the checksum, which covers it."""
    folder = plan.config.run_dir
    values = json.loads((Path(folder) / "summary.json").read_text().replace(folder, "run"))
    return {
        name: value for name, value in values.items() if name not in ("wall_seconds", "checksum")
    }
