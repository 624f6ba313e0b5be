"""A rung that takes far longer than those before it is tried elsewhere; nothing waits here."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import pytest
from marks import fast_first

from asymnas import StudyConfig
from asymnas.core import columns as t
from asymnas.core.errors import StudyError, WorkerError
from asymnas.runs.execute import execute
from asymnas.runs.plan import plan_search
from asymnas.runs.snapshot import Snapshot
from asymnas.runs.time_limits import TimeLimits, work_of
from asymnas.training.rung import Job

from .conftest import executed
from .made_results import Made

HOUR = 3_600


def waits(limits: TimeLimits, start: float, seconds: int) -> list[tuple[Any, int, float]]:
    """Looks once a second; what is overdue, with the second at which it is and the limit."""
    return [
        (rung, second, limit)
        for second in range(1, seconds + 1)
        for rung, limit in limits.overdue(start + second, {"rung", "first", "second"}).items()
    ]


@pytest.mark.parametrize(
    ("measured", "work", "limit"),
    [
        ([], 1e12, None),  # nothing is known of how long a rung takes
        ([(1e9, 1.0)], 1e9, 600),  # never less
        ([(1e9, 30.0)], 1e9, 600),  # 20 * 30
        ([(1e9, 60.0)], 1e9, 1_200),
        ([(1e9, 60.0)], 2e9, 2_400),
        ([(1e9, 60.0)], 0.25e9, 600),
        ([(1e9, 60.0), (1e9, 5.0), (4e9, 80.0)], 1e9, 1_200),  # by the slowest for its work
        ([(1e9, 0.0)], 1e9, None),
    ],
)
def test_the_limit_follows_from_the_slowest_rung_and_the_work(
    measured: list[tuple[float, float]], work: float, limit: float | None
) -> None:
    limits = TimeLimits(now=50.0)
    for done in measured:
        limits.measured(*done)
    limits.begin("rung", work)
    late = waits(limits, 50.0, HOUR)
    assert late[:1] == ([] if limit is None else [("rung", limit + 1, limit)])
    assert len(late) == (0 if limit is None else HOUR // (limit + 1))  # then it is another worker's


@pytest.mark.parametrize(
    ("examples", "macs", "work"),
    [(1_000, 0, 1e8), (1_000, 100_000, 2e8), (1_000, 1_000_000, 1.1e9), (2_000, 0, 2e8)],
)
def test_an_example_of_the_smallest_network_is_work_too(
    examples: int, macs: int, work: float
) -> None:
    assert work_of(examples, macs) == work


def test_sleep_of_this_process_counts_as_one_look() -> None:
    limits = TimeLimits(now=0.0)
    limits.measured(1.0, 1.0)
    limits.begin("rung", 1.0)
    assert limits.overdue(10 * HOUR, {"rung"}) == {}
    assert limits.overdue(20 * HOUR, {"rung"}) == {}
    assert waits(limits, 20 * HOUR, 596) == []
    assert waits(limits, 20 * HOUR + 596, 5) == [("rung", 1, 600)]


def test_what_has_ended_is_never_overdue() -> None:
    limits = TimeLimits(now=0.0)
    limits.measured(1.0, 1.0)
    limits.begin("first", 1.0)
    limits.begin("second", 1.0)
    limits.end("first")
    assert [rung for rung, _, _ in waits(limits, 0.0, 700)] == ["second"]


def test_a_rung_that_waits_for_a_worker_is_never_overdue() -> None:
    limits = TimeLimits(now=0.0)
    limits.measured(1.0, 1.0)
    limits.begin("waits", 1.0)
    limits.begin("rung", 1.0)
    assert [rung for rung, _, _ in waits(limits, 0.0, 1_300)] == ["rung", "rung"]


class Hanging(Made):
    """Some rungs never end, after the first; a worker that is replaced leaves its call to another.

    Args:
        hangs: Whether a job hangs, given how often it was begun before.
        workers: Of which each call tries at most two.
    """

    def __init__(self, hangs: Callable[[Job, int], bool], workers: int) -> None:
        super().__init__()
        self._hangs, self._others = hangs, min(workers, 2) - 1
        self._open: dict[Future[Any], tuple[Any, Job, int]] = {}
        self._begun: dict[tuple[int, int], int] = {}
        self.replaced: list[str] = []

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        (job,) = args
        return self._begin(Future(), fn, job, self._others)

    def replace_worker(self, future: Future[Any], reason: str) -> bool:
        self.replaced.append(reason)
        fn, job, others = self._open.pop(future)
        if others:
            self._begin(future, fn, job, others - 1)
        else:
            future.set_exception(WorkerError(reason))
        return True

    def _begin(self, future: Future[Any], fn: Any, job: Job, others: int) -> Future[Any]:
        rung = job.seed, job.until
        before = self._begun.get(rung, 0)
        self._begun[rung] = before + 1
        if self.jobs and self._hangs(job, before):
            self._open[future] = fn, job, others
            if not future.running():
                future.set_running_or_notify_cancel()
        else:
            future.set_result(super().submit(fn, job).result())
        return future


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look at the limits is an hour after the one before, and as long as it counts."""
    monkeypatch.setattr("asymnas.runs.time_limits.LONGEST_PASS_S", HOUR)
    monkeypatch.setattr("asymnas.runs.coordinator.HEARTBEAT", 0.0)
    looks = iter(range(0, 100_000 * HOUR, HOUR))
    overdue = TimeLimits.overdue
    monkeypatch.setattr(
        TimeLimits, "overdue", lambda limits, now, at_work: overdue(limits, next(looks), at_work)
    )


@pytest.mark.parametrize("workers", fast_first([1, 2, 3]))
@pytest.mark.usefixtures("in_memory", "hasty")
def test_a_rung_that_hangs_once_changes_no_trial(
    small: StudyConfig, tmp_path: Any, workers: int
) -> None:
    config = replace(small, workers=workers)
    whole = executed(plan_search(replace(config, run_dir=str(tmp_path / "whole"))), Made())[0]
    executor = Hanging(lambda job, before: not before and job.seed % 4 == 0, workers)
    run, ending = executed(plan_search(config), executor)
    assert ending == "finished"
    assert executor.replaced
    assert "failed" not in set(run.table[t.STATE])
    if workers == 1:
        names = [t.TRIAL, t.STATE, t.VAL_LOSS, t.EXAMPLES]
        assert run.table[names].equals(whole.table[names])


@pytest.mark.parametrize("workers", fast_first([2, 1]))
@pytest.mark.usefixtures("in_memory", "hasty")
def test_a_rung_that_hangs_twice_fails_its_trial_with_the_reason(
    small: StudyConfig, workers: int
) -> None:
    config = replace(small, workers=workers)
    executor = Hanging(lambda job, before: job.seed % 4 == 0, workers)
    run, ending = executed(plan_search(config), executor)
    assert ending == "finished"
    failed = run.table[run.table[t.STATE] == "failed"]
    assert len(executor.replaced) == 2 * len(failed) > 0
    assert set(failed[t.FAILURE]) == {f"{executor.replaced[0]}, 2 times"}
    assert executor.replaced[0].startswith("no answer within 600 s, at least 20 times what rungs")
    assert len(run.table[run.table[t.DUPLICATE_OF].isna()]) == config.trials


@pytest.mark.usefixtures("in_memory", "hasty")
def test_a_machine_that_hangs_always_stops_the_run_and_fails_no_trial(small: StudyConfig) -> None:
    done = iter(range(1_000))
    executor = Hanging(lambda job, before: next(done) > 6, 2)
    with pytest.raises(StudyError, match=r"5 trials in a row failed .*no answer within 600 s"):
        executed(plan_search(replace(small, workers=2)), executor)


@pytest.mark.usefixtures("in_memory", "hasty")
def test_an_executor_that_replaces_no_worker_is_waited_for(
    small: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a cluster is, whose queue takes as long as it takes."""
    executor = Hanging(lambda job, before: len(executor.jobs) > 2, 1)
    monkeypatch.delattr(Hanging, "replace_worker")
    seen: list[Snapshot] = []

    def interrupted(snapshot: Snapshot) -> None:
        seen.append(snapshot)
        if len(seen) > 50:
            raise KeyboardInterrupt

    with execute(plan_search(small), executor=executor, observe=interrupted) as (run, ending):
        assert ending == "interrupted"
    assert set(run.table[t.STATE]) == {"running"}
