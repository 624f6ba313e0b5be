"""A small search that is killed, or fails, at each of its writes: nothing is lost or done twice."""

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from asymnas.reporting.publish import publish
from asymnas.runs.execute import execute
from asymnas.runs.plan import SearchPlan, plan_search

from .conftest import small_search
from .faults import Faults, Killed, at, faults, files, killed
from .kill_points import KINDS, Whole, check, started_again, whole_of
from .made_results import Made

pytestmark = pytest.mark.usefixtures("in_memory")

TRIALS = 6
EVERY = 7  # of the points, in the tests that are always run


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> SearchPlan:
    config = replace(small_search(tmp_path_factory.mktemp("plan") / "run"), trials=TRIALS)
    return plan_search(config)


@pytest.fixture(scope="module")
def whole(plan: SearchPlan, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    return whole_of(plan, Made, tmp_path_factory.mktemp("whole"))


def test_a_search_writes(whole: Whole) -> None:
    writes = {"create_new_trial", "set_trial_user_attr", "fsync", "replace", "unlink"}
    assert set(whole.writes) >= writes
    assert len(whole.writes) > 100


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
def test_a_search_ends_as_if_nothing_had_happened_at_any_write(
    kind: str, whole: Whole, tmp_path: Path
) -> None:
    check(kind, whole, range(1, len(whole.writes) + 1), tmp_path)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.slow
@pytest.mark.essential
def test_a_search_ends_as_if_nothing_had_happened_at_some_writes(
    kind: str, whole: Whole, tmp_path: Path
) -> None:
    offset = list(KINDS).index(kind) + 1
    check(kind, whole, range(offset, len(whole.writes) + 1, EVERY * len(KINDS)), tmp_path)


@pytest.mark.slow
def test_a_study_elsewhere_is_made_at_any_write(
    plan: SearchPlan, whole: Whole, tmp_path: Path
) -> None:
    """Its place is written into the run directory."""
    for number in range(1, 30):
        own = at(plan, tmp_path / f"{number}")
        storage = f"sqlite:///{tmp_path / f'{number}.db'}"
        own = replace(own, config=replace(own.config, storage=storage))
        table, _ = started_again(own, Faults(number, killed))
        pd.testing.assert_frame_equal(table, whole.table)


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
