"""The loop on made results: counting, failures, duplicates, resumption, growth."""

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from optuna.samplers import RandomSampler

import asymnas.analysis.front
from asymnas import Run, StudyConfig
from asymnas.analysis.front import pareto_front
from asymnas.core import columns as t
from asymnas.core.errors import CheckpointError, DataError, StudyError, WorkerError
from asymnas.runs.execute import execute
from asymnas.runs.phases import Phase
from asymnas.runs.plan import SearchPlan, plan_search
from asymnas.runs.seeds import trial_seed
from asymnas.runs.snapshot import Snapshot
from asymnas.runs.study import SearchStudy
from asymnas.runs.study.bridge import MOST_REPEATED
from asymnas.runs.trials import CPU_SECONDS, RUNG_OBJECTIVES
from asymnas.training import rung
from asymnas.training.rung import Job, RungResult, train_rung

from .conftest import executed, run_of
from .made_results import Made, made_result

pytestmark = pytest.mark.usefixtures("in_memory")

COMPARED = [t.TRIAL, t.STATE, t.VAL_LOSS, t.TOTAL_PARAMS, t.EXAMPLES, t.LEARNING_RATE]


def values(run: Run) -> pd.DataFrame:
    return run.table[COMPARED].reset_index(drop=True)


def test_holds_exactly_the_trials_asked_for(small: StudyConfig) -> None:
    seen: list[Snapshot] = []
    small = replace(small, trials=24)
    with execute(plan_search(small), executor=Made(), observe=seen.append) as (run, ending):
        assert ending == "finished"
    assert len(run.own) == small.trials
    assert set(run.own[t.STATE]) == {"complete", "pruned"}
    assert not run.own[(run.own[t.STATE] == "pruned") & run.own[t.NEVER_PRUNED]].any(axis=None)
    last = seen[-1]
    assert last.finished == last.wanted == small.trials
    assert last.front == len(run.front)
    assert last.best_loss == run.own.query("state == 'complete'")[t.VAL_LOSS].min()
    more = run_of(replace(small, trials=26), Made())
    assert len(more.own) == 26
    pd.testing.assert_frame_equal(values(more).head(len(run.table)), values(run))
    with execute(plan_search(small), executor=Made(), observe=seen.append):
        assert seen[-1].finished == seen[-1].wanted == 26  # not "26/24 trials"


class OneByOne(Made):
    """Keeps what it is given until it is asked to answer the first of it."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[tuple[Job, Future[RungResult]]] = []
        self.most_kept = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[RungResult]:
        future: Future[RungResult] = Future()
        self._kept.append((args[0], future))
        self.most_kept = max(self.most_kept, len(self._kept))
        return future

    def answer_first(self, snapshot: Snapshot) -> None:
        if self._kept:
            job, future = self._kept.pop(0)
            future.set_result(super().submit(train_rung, job).result())


class OneByOnePool(OneByOne):
    """Has another worker train what one has broken at, as it says by having this method."""

    def replace_worker(self, future: Future[RungResult], reason: str) -> bool:
        raise AssertionError("none hangs")


@pytest.mark.parametrize(
    ("executor", "workers", "in_flight"),
    [(OneByOnePool(), 1, 1), (OneByOnePool(), 2, 3), (OneByOnePool(), 8, 9), (OneByOne(), 2, 2)],
)
def test_several_workers_of_a_pool_have_a_rung_ahead(
    small: StudyConfig, executor: OneByOne, workers: int, in_flight: int
) -> None:
    plan = plan_search(replace(small, trials=12, workers=workers))
    with execute(plan, executor=executor, observe=executor.answer_first) as (run, ending):
        assert ending == "finished"
    assert len(run.own) == 12
    assert executor.most_kept == in_flight


@pytest.mark.parametrize("rungs", [pytest.param(1, marks=pytest.mark.slow), 13])
def test_a_continued_run_equals_an_uninterrupted_one(
    small: StudyConfig, tmp_path: Path, rungs: int
) -> None:
    whole = run_of(small, Made())
    broken = replace(small, run_dir=str(tmp_path / "broken"))
    _, ending = executed(plan_search(broken), Made(stop_at=rungs))
    assert ending == "interrupted"
    pd.testing.assert_frame_equal(values(run_of(broken, Made())), values(whole))


class Stuck(RandomSampler):
    """Draws the same for ever."""

    def sample_independent(self, *args: Any) -> Any:
        return RandomSampler(seed=5).sample_independent(*args)


def test_a_sampler_that_repeats_itself_does_not_end_the_search(small: StudyConfig) -> None:
    config = replace(small, sampler=Stuck(), trials=8, enqueue=(), workers=1)
    run, ending = executed(plan_search(config), Made())
    assert ending == "finished"
    assert len(run.own) == config.trials
    repeated = run.table[run.table[t.DUPLICATE_OF].notna()]
    assert len(repeated) <= MOST_REPEATED * config.trials


def test_optuna_has_the_learning_curves_of_a_search_of_the_loss_alone(small: StudyConfig) -> None:
    run = run_of(small, Made())
    for trial, (_, row) in zip(run.study.optuna.trials, run.table.iterrows(), strict=True):
        if pd.isna(row[t.DUPLICATE_OF]):
            assert trial.intermediate_values == dict(row[t.CURVE])
        assert trial.user_attrs["encoder_params"] == row[t.ENCODER_PARAMS]
        assert trial.user_attrs["encoder_widths"] == row[t.ENCODER_WIDTHS]
    assert run.table[t.ENCODER_WIDTHS].str.match(r"widths \d+(-\d+)*$").all()
    best = run.study.optuna.best_trial
    assert best.number == run.best.trial


def kept(run: Run) -> set[int]:
    """Trials whose checkpoint is there."""
    folder = run.directory / "artifacts" / "checkpoints"
    return {int(path.name.split("_")[1]) for path in folder.iterdir()}


def test_checkpoints_are_kept_of_the_front_alone(small: StudyConfig) -> None:
    run = run_of(replace(small, trials=25), Made())
    assert kept(run) == set(run.front[t.TRIAL])


class InTurn(Executor):
    """Two workers that take calls in turn; the first breaks on each of its calls.

    As local processes do, it gives a call that broke its worker to the other when it comes again.
    """

    def __init__(self) -> None:
        self.healthy, self.calls = Made(), 0
        self.broke: set[tuple[int, int]] = set()

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.calls += 1
        call = args[0].seed, args[0].until
        if self.calls % 2 == 0 or call in self.broke:
            return self.healthy.submit(fn, *args, **kwargs)
        self.broke.add(call)
        future: Future[Any] = Future()
        future.set_exception(WorkerError(f"CUDA error: worker {self.calls} is gone"))
        return future


def test_a_broken_worker_of_two_fails_no_trial(small: StudyConfig) -> None:
    config, executor = replace(small, trials=20, workers=2), InTurn()
    run = run_of(config, executor)
    assert len(executor.broke) > 10
    assert len(run.own) == 20
    assert (run.table[t.STATE] == "failed").sum() == 0


class Slow(Executor):
    """A worker that breaks at once on whatever it gets, beside one that takes its time.

    An idle worker takes the next call, the broken one first, so that it would take all calls while
    the other is at work.
    """

    def __init__(self) -> None:
        self.at_work: tuple[Future[Any], Job] | None = None
        self.has_broken, self.ticks = False, 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.at_work is None and self.has_broken:
            self.at_work = future, args[0]
        else:
            self.has_broken = True
            future.set_exception(BrokenExecutor("gone"))
        return future

    def tick(self, snapshot: Snapshot) -> None:
        """Ends the slow worker's rung after a while."""
        self.ticks += 1
        if self.at_work is not None and self.ticks % 5 == 0:
            (future, job), self.at_work, self.has_broken = self.at_work, None, False
            future.set_result(made_result(job))


@pytest.mark.slow
@pytest.mark.essential
def test_a_broken_worker_does_not_take_all_calls_while_others_are_at_work(
    small: StudyConfig,
) -> None:
    executor = Slow()
    plan = plan_search(replace(small, trials=4, workers=2, pruner="none"))
    with execute(plan, executor=executor, observe=executor.tick) as (run, ending):
        assert ending == "finished"
    assert list(run.table[t.STATE]) == ["complete"] * 4


GONE = "a worker process ended with code -9"
POOR_MACHINE = ["CUDA error: unspecified launch failure", "OSError: [Errno 5] lost", GONE]


@pytest.mark.parametrize(
    ("before", "trials", "workers", "killers"),
    [
        pytest.param(0, 6, 1, {0}, id="the first"),
        pytest.param(0, 6, 1, {0, 1, 2, 3}, id="four in a row"),
        pytest.param(0, 6, 4, {0, 2}, id="beside others"),
        pytest.param(0, 6, 1, {5}, id="the last"),
        pytest.param(0, 6, 3, {4, 5}, id="the last two"),
        pytest.param(5, 6, 1, {5}, id="the only one of a continued run"),
    ],
)
def test_a_candidate_that_breaks_its_workers_while_others_are_trained_fails_alone(
    small: StudyConfig, before: int, trials: int, workers: int, killers: set[int]
) -> None:
    def answer(job: Job) -> RungResult:
        if job.seed in seeds:
            raise BrokenExecutor(GONE)
        return made_result(job)

    seeds = {trial_seed(small.seed, number) for number in killers}
    config = replace(small, sampler="random", workers=workers)
    if before:
        run_of(replace(config, trials=before), Made())
    executor = Made(answer)
    table = run_of(replace(config, trials=trials), executor).table
    failed = table[table[t.STATE] == "failed"]
    assert set(failed[t.TRIAL]) == killers
    assert len(table) == trials
    for number, failure in zip(failed[t.TRIAL], failed[t.FAILURE], strict=True):
        seed = trial_seed(small.seed, number)
        tried = sum(job.seed == seed for job in executor.jobs)
        assert failure == f"{GONE}, {tried} times at this rung"
        assert tried in (3, 4)


@pytest.mark.parametrize(
    ("trials", "workers", "works", "breaks"),
    [
        pytest.param(12, 1, 0, 5, id="from the first rung"),
        pytest.param(12, 1, 6, 5, id="later"),
        pytest.param(12, 8, 8, 12, id="under eight workers at once"),
        pytest.param(3, 1, 4, 5, id="with few trials left"),
        pytest.param(1, 1, 0, 5, id="under a single trial"),
    ],
)
def test_a_machine_that_breaks_all_workers_stops_the_run_and_fails_no_trial(
    small: StudyConfig, trials: int, workers: int, works: int, breaks: int
) -> None:
    answers = iter(range(1000))

    def answer(job: Job) -> RungResult:
        if (number := next(answers)) < works:
            return made_result(job)
        raise WorkerError(POOR_MACHINE[number % 3])

    config = replace(small, sampler="random", pruner="none", trials=trials, workers=workers)
    executor = Made(answer)
    with pytest.raises(StudyError, match="rung after rung broke its worker") as caught:
        executed(plan_search(config), executor)
    assert "\n" not in str(caught.value)
    assert len(executor.jobs) == works + breaks
    assert set(Run.open(config.run_dir).table[t.STATE]) <= {"running", "complete"}
    assert list(run_of(config, Made()).table[t.STATE]) == ["complete"] * trials


def test_a_machine_that_recovers_in_time_costs_no_trial(small: StudyConfig) -> None:
    answers = iter(range(1000))

    def answer(job: Job) -> RungResult:
        if next(answers) % 12 < 4:  # four times in a row, then eight rungs are trained
            raise WorkerError(POOR_MACHINE[2])
        return made_result(job)

    run = run_of(replace(small, sampler="random", pruner="none"), Made(answer))
    assert list(run.table[t.STATE]) == ["complete"] * small.trials


@pytest.mark.parametrize(
    "error",
    [
        OSError("lost 7 mounts"),
        pytest.param(ValueError("bad shape (3, 4)"), marks=pytest.mark.slow),
    ],
)
def test_a_run_of_like_failures_stops_with_the_reason_and_can_go_on(
    small: StudyConfig, tmp_path: Path, error: Exception
) -> None:
    broken = replace(small, run_dir=str(tmp_path / "broken"))
    calls = 0

    def answer(job: Job) -> RungResult:
        nonlocal calls
        calls += 1
        if calls > 5:
            number = calls
            raise type(error)(str(error).replace("7", str(number)).replace("3", str(number)))
        return made_result(job)

    with pytest.raises(StudyError, match="5 trials in a row failed for one reason") as caught:
        executed(plan_search(broken), Made(answer))
    assert "\n" not in str(caught.value)
    table = Run.open(broken.run_dir).table
    assert (table[t.STATE] == "failed").sum() == 0
    assert (table[t.STATE] == "running").sum() >= 5
    run = run_of(broken, Made())
    assert len(run.own) == broken.trials
    assert set(run.own[t.STATE]) <= {"complete", "pruned"}


def test_unlike_failures_and_divergence_are_the_candidates_own(small: StudyConfig) -> None:
    def answer(job: Job) -> RungResult:
        if job.learning_rate < 4e-3:
            return RungResult(failure="diverged: validation loss not finite")
        return made_result(job)

    run = run_of(
        replace(small, sampler="random", trials=20, learning_rates=(1e-3, 5e-3)), Made(answer)
    )
    assert (run.own[t.STATE] == "failed").sum() > 5
    words = iter("abcdefghijklmnopqrstuvwxyz")

    def unlike(job: Job) -> RungResult:
        raise ValueError(next(words))

    other = replace(small, run_dir=f"{small.run_dir}-unlike", trials=8)
    run = run_of(other, Made(unlike))
    assert list(run.table[t.STATE]) == ["failed"] * 8
    assert len(set(run.table[t.FAILURE])) == 8


def test_fewer_failures_than_a_series_end_the_run_as_failures(small: StudyConfig) -> None:
    def answer(job: Job) -> RungResult:
        raise MemoryError("no memory left")

    run = run_of(replace(small, trials=3), Made(answer))
    assert list(run.table[t.STATE]) == ["failed"] * 3
    assert set(run.table[t.FAILURE]) == {"MemoryError: no memory left"}


def test_data_that_are_gone_end_the_run_and_leave_its_trials_open(small: StudyConfig) -> None:
    def answer(job: Job) -> RungResult:
        raise DataError("digits is gone")

    with pytest.raises(DataError):
        executed(plan_search(small), Made(answer))
    assert list(Run.open(small.run_dir).table[t.STATE]) == ["running"]


def test_a_damaged_checkpoint_restarts_its_trial_from_the_beginning(
    small: StudyConfig, tmp_path: Path
) -> None:
    whole = run_of(small, Made())
    damaged = set()

    def answer(job: Job) -> RungResult:
        if job.checkpoint is not None and job.seed not in damaged:
            damaged.add(job.seed)
            raise CheckpointError(f"{job.checkpoint} is damaged")
        return made_result(job)

    executor = Made(answer)
    run = run_of(replace(small, run_dir=str(tmp_path / "damaged")), executor)
    pd.testing.assert_frame_equal(values(run), values(whole))
    for seed in damaged:
        firsts = [job for job in executor.jobs if job.seed == seed and job.checkpoint is None]
        assert len(firsts) == 2


@pytest.mark.parametrize(
    "second", ["decoder_latency_1", pytest.param("psnr", marks=pytest.mark.slow)]
)
def test_a_measured_objective_protects_its_end_of_the_front(
    small: StudyConfig, second: str
) -> None:
    """Networks with the lowest latency, or here the highest loss and PSNR, stay in the race."""

    def answer(job: Job) -> RungResult:
        result = made_result(job)
        against = result.metrics[t.VAL_LOSS] if second == "psnr" else -result.metrics[t.VAL_LOSS]
        return replace(result, metrics={**result.metrics, second: against})

    config = replace(small, objectives=(t.VAL_LOSS, second), trials=20)
    executor = Made(answer)
    run = run_of(config, executor)
    assert all(second in job.every_rung for job in executor.jobs)
    assert set(run.own[t.STATE]) == {"complete"}  # nothing dominates anything
    alone = replace(config, objectives=(t.VAL_LOSS,), run_dir=f"{small.run_dir}-alone")
    assert (run_of(alone, Made(answer)).own[t.STATE] == "pruned").any()


def test_a_continued_run_remembers_what_was_measured_at_each_rung(
    small: StudyConfig, tmp_path: Path
) -> None:
    config = replace(small, objectives=(t.VAL_LOSS, "decoder_latency_1"), trials=20)
    whole = run_of(config, Made())
    assert (whole.own[t.STATE] == "pruned").any()
    broken = replace(config, run_dir=str(tmp_path / "broken"))
    executed(plan_search(broken), Made(stop_at=31))
    pd.testing.assert_frame_equal(values(run_of(broken, Made())), values(whole))


def first_rungs(run: Run) -> set[int]:
    return {curve[0][0] for curve in run.own[t.CURVE] if curve}


@pytest.mark.parametrize(("pruner", "first"), [("rank", 52 * 64), ("none", 156 * 64)])
def test_the_first_rung_is_early_where_candidates_are_pruned(
    small: StudyConfig, pruner: str, first: int
) -> None:
    config = replace(small, trials=12, examples=60_000, batch_size=64, pruner=pruner)
    assert first_rungs(run_of(config, Made())) == {first}


def test_a_run_begun_without_the_early_rung_goes_on_with_it(
    small: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = replace(small, trials=20, examples=60_000, batch_size=64)
    with monkeypatch.context() as before:
        before.setattr(rung, "FIRST_STEPS", 10_000)
        executed(plan_search(config), Made(stop_at=14))
    run = run_of(config, Made())
    assert len(run.own) == config.trials
    assert set(run.own[t.STATE]) == {"complete", "pruned"}
    assert first_rungs(run) == {52 * 64, 156 * 64}


@dataclass(frozen=True, kw_only=True)
class MeasuredAtEachRung(SearchPlan):
    """A search whose one phase wants a metric of every rung."""

    def phases(self, study: SearchStudy, /) -> Iterator[Phase]:
        for phase in super().phases(study):
            yield replace(phase, every_rung=("mae",))


def measured_at_each_rung(config: StudyConfig) -> MeasuredAtEachRung:
    return MeasuredAtEachRung(**vars(plan_search(config)))


def test_what_a_phase_wants_of_every_rung_is_kept_with_its_time(
    small: StudyConfig, tmp_path: Path
) -> None:
    """Of each rung, interrupted or not; a rung that failed took time and measured nothing."""

    def answer(job: Job) -> RungResult:
        if job.last and job.learning_rate < 2e-3:
            return RungResult(failure="collapsed", cpu_seconds=0.5)
        result = made_result(job)
        return replace(result, metrics={**result.metrics, "mae": job.until / 8}, cpu_seconds=2.0)

    config = replace(small, sampler="random", pruner="none", trials=12)
    executor = Made(answer)
    run, _ = executed(measured_at_each_rung(config), executor)
    assert {job.every_rung for job in executor.jobs} == {("mae",)}
    assert set(run.own[t.STATE]) == {"complete", "failed"}
    for _, trial in run.own.iterrows():
        failed = trial[t.STATE] == "failed"
        measured = trial[RUNG_OBJECTIVES]
        assert measured[CPU_SECONDS] == [2.0] * 3 + [0.5 if failed else 2.0]
        seen = [examples / config.batch_size / 8 for examples, _ in trial[t.CURVE]]
        assert measured["mae"] == seen
        assert len(seen) == (3 if failed else 4)
    broken = replace(config, run_dir=str(tmp_path / "broken"))
    executed(measured_at_each_rung(broken), Made(answer, stop_at=7))
    again, _ = executed(measured_at_each_rung(broken), Made(answer))
    assert list(again.table[RUNG_OBJECTIVES]) == list(run.table[RUNG_OBJECTIVES])


def test_work_per_trial_does_not_grow_with_the_trials(
    small: StudyConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows read from the storage as tables, and points handed to a front, count as work."""
    tables: list[int] = []
    fronts: list[int] = []
    table, nondominated = SearchStudy.table, asymnas.analysis.front.nondominated

    def counted_table(self: SearchStudy) -> pd.DataFrame:
        frame = table(self)
        tables.append(len(frame))
        return frame

    def counted_front(points: Any, objectives: Any) -> Any:
        fronts.append(len(points))
        return nondominated(points, objectives)

    monkeypatch.setattr(SearchStudy, "table", counted_table)
    monkeypatch.setattr("asymnas.runs.trials.nondominated", counted_front)
    config = replace(small, sampler="random", examples=64, pruner="none")
    plan = plan_search(replace(config, trials=30))
    with execute(plan, executor=Made()) as (run, _):
        assert tables == [0]  # once, when the run begins
    largest = max(fronts)
    assert largest <= 2 + len(run.front) * 3
    pd.testing.assert_frame_equal(run.front, pareto_front(table(run.study), run.objectives))
